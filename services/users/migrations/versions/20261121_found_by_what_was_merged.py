"""Who became part of somebody is found from that one: what they had leads there."""

from alembic import op

revision = "d27c5be81f34"
down_revision = "c47d20a9be15"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_users_merged_into", "users", ["merged_into"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_users_merged_into", "users")
