"""What every service's schema has in common: naming, and the tables of the ground.

Events, idempotency and leases are written on every hot path, so they are plain tables and not
mapped classes. A service says `GROUND = ground(Base.metadata)` in its `models.py`; one that keeps
things of guests says `ground(Base.metadata, guests=True)`.
"""

from dataclasses import dataclass

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

from libs.common.db.types import RowId, UtcDateTime


def service_metadata() -> MetaData:
    """Fresh metadata with predictable constraint names, so migrations can drop them."""
    return MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@dataclass(frozen=True)
class Ground:
    """The tables each service has beside its own."""

    outbox: Table
    inbox: Table
    idempotency_keys: Table
    data_keys: Table
    leases: Table
    bound_guests: Table | None
    """Guests who have proved who they are, where things of guests are kept."""


def ground(metadata: MetaData, *, guests: bool = False) -> Ground:
    """Declare the tables of the ground in `metadata`."""
    return Ground(
        outbox=_outbox(metadata),
        inbox=Table(
            "inbox",
            metadata,
            Column("consumer", String(100), primary_key=True),
            Column("event_id", String(50), primary_key=True),
            Column("handled_at", UtcDateTime, nullable=False),
        ),
        idempotency_keys=Table(
            "idempotency_keys",
            metadata,
            Column("key", String(64), primary_key=True),
            Column("fingerprint", LargeBinary(32), nullable=False),
            Column("status", Integer),
            Column("reply", LargeBinary),
            Column("created_at", UtcDateTime, nullable=False, index=True),
        ),
        data_keys=Table(
            "data_keys",
            metadata,
            Column("subject", String(100), primary_key=True),
            Column("user_id", Integer, index=True),
            Column("wrapped", LargeBinary, nullable=False),
            Column("created_at", UtcDateTime, nullable=False),
        ),
        leases=Table(
            "leases",
            metadata,
            Column("name", String(100), primary_key=True),
            Column("holder", String(50), nullable=False),
            Column("until", UtcDateTime, nullable=False),
        ),
        bound_guests=_bound_guests(metadata) if guests else None,
    )


def _bound_guests(metadata: MetaData) -> Table:
    return Table(
        "bound_guests",
        metadata,
        Column("guest_id", String(100), primary_key=True),
        Column("user_id", Integer, nullable=False),
        Column("bound_at", UtcDateTime, nullable=False, index=True),
    )


def _outbox(metadata: MetaData) -> Table:
    """The event log: a row is written with its fact, gets its position, and stays."""
    table = Table(
        "outbox",
        metadata,
        Column("seq", RowId, primary_key=True, autoincrement=True),
        Column("event_id", String(50), nullable=False, unique=True),
        Column("topic", String(100), nullable=False),
        Column("subject", String(100), nullable=False),
        Column("restricted", Boolean, nullable=False),
        Column("envelope", Text, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("position", RowId, unique=True),
        Column("published_at", UtcDateTime),
    )
    unplaced = table.c.position.is_(None)
    unpublished = table.c.published_at.is_(None)
    Index("ix_outbox_unplaced", table.c.seq, sqlite_where=unplaced, postgresql_where=unplaced)
    Index(
        "ix_outbox_unpublished",
        table.c.position,
        sqlite_where=unpublished,
        postgresql_where=unpublished,
    )
    return table
