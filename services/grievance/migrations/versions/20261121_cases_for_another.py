"""Cases staff filed for another: they are not the cases of who filed them."""

import sqlalchemy as sa
from alembic import op

revision = "d41f0b6a92e7"
down_revision = "b27d90c4e81f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "grievances",
        sa.Column("is_for_another", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("grievances", "is_for_another")
