"""organisation of a case"""

import sqlalchemy as sa
from alembic import op

revision = "3ed39a2f3461"
down_revision = "19bc3743ad4a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grievances", sa.Column("organisation", sa.String(length=100), nullable=True))


def downgrade() -> None:
    op.drop_column("grievances", "organisation")
