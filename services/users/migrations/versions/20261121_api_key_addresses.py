"""Where an API key may be used from (issue 3)."""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import Json

revision = "b3f1d92c7e60"
down_revision = "aed3388aa7a9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("allowed_addresses", Json, nullable=False, server_default="[]")
        )


def downgrade() -> None:
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_column("allowed_addresses")
