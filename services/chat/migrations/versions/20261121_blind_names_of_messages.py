"""What a client calls a message is kept as a blind index.

What was kept in plaintext may be somebody's number, and is forgotten: a message that is sent once
more across this migration is another one.
"""

from alembic import op

revision = "7e2c4b9d1a65"
down_revision = "a3d90f7c26be"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE messages SET client_message_id = NULL")
    op.execute("UPDATE conversations SET opening_key = NULL")


def downgrade() -> None:
    """A blind index is a name like any other."""
