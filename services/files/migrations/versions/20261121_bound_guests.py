"""Guests who have proved who they are: what still comes in their name is that person's."""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import UtcDateTime

revision = "d4b7a90c5e13"
down_revision = "3b67e1ca16a7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bound_guests",
        sa.Column("guest_id", sa.String(length=100), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("guest_id", name=op.f("pk_bound_guests")),
    )
    with op.batch_alter_table("bound_guests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_bound_guests_bound_at"), ["bound_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("bound_guests", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_bound_guests_bound_at"))
    op.drop_table("bound_guests")
