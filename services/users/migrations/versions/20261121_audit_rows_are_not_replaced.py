"""A row of the audit log is not replaced either.

`INSERT OR REPLACE` of SQLite deletes the row that is in its way, and asks no trigger of deleting.
PostgreSQL's ON CONFLICT DO UPDATE is an UPDATE to its triggers.
"""

from alembic import op

revision = "c47d20a9be15"
down_revision = "e6a1f0c2b947"
branch_labels = None
depends_on = None

IN_THE_WAY = {
    "audit_log": "position = NEW.position OR event_id = NEW.event_id",
    "chain_seals": "chain = NEW.chain AND day = NEW.day",
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, same in IN_THE_WAY.items():
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} "
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) "
            f"BEGIN SELECT RAISE(ABORT, '{table} is only ever added to'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in IN_THE_WAY:
            op.execute(f"DROP TRIGGER {table}_no_replace")
