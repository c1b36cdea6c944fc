"""The ground's tables as every service's first revision makes them.

A revision is a record of the past: when the ground changes, this file stays, and each service gets
a new revision.
"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import RowId, UtcDateTime

UNPLACED = sa.text("position IS NULL")
UNPUBLISHED = sa.text("published_at IS NULL")


def create_ground() -> None:
    """Make data_keys, idempotency_keys, inbox, leases and outbox."""
    op.create_table(
        "data_keys",
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_data_keys"),
    )
    op.create_index("ix_data_keys_user_id", "data_keys", ["user_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(32), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("reply", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.create_table(
        "inbox",
        sa.Column("consumer", sa.String(100), nullable=False),
        sa.Column("event_id", sa.String(50), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "event_id", name="pk_inbox"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("holder", sa.String(50), nullable=False),
        sa.Column("until", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    _create_outbox()


def _create_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", RowId, autoincrement=True, nullable=False),
        sa.Column("event_id", sa.String(50), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("position", RowId, nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sa.UniqueConstraint("event_id", name="uq_outbox_event_id"),
        sa.UniqueConstraint("position", name="uq_outbox_position"),
    )
    for name, column, where in (
        ("ix_outbox_unplaced", "seq", UNPLACED),
        ("ix_outbox_unpublished", "position", UNPUBLISHED),
    ):
        op.create_index(name, "outbox", [column], sqlite_where=where, postgresql_where=where)


def drop_ground() -> None:
    """Take them away again, indexes and all."""
    for table in ("outbox", "leases", "inbox", "idempotency_keys", "data_keys"):
        op.drop_table(table)
