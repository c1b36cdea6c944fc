"""Guests: whom they became, and which of their talks led to no case."""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import UtcDateTime

revision = "a3d90f7c26be"
down_revision = "5b0d7c1e9f42"
branch_labels = None
depends_on = None

LED_NOWHERE = """
UPDATE conversations SET unclaimed_since = started_at
WHERE owner LIKE 'guest:%' AND NOT EXISTS (
    SELECT 1 FROM filings
    WHERE filings.conversation_id = conversations.id AND filings.state <> 'failed'
) AND NOT EXISTS (
    SELECT 1 FROM case_links WHERE case_links.conversation_id = conversations.id
)
"""


def upgrade() -> None:
    op.create_table(
        "bound_guests",
        sa.Column("guest_id", sa.String(length=100), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("bound_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("guest_id", name=op.f("pk_bound_guests")),
    )
    op.create_index(op.f("ix_bound_guests_bound_at"), "bound_guests", ["bound_at"])
    op.add_column("conversations", sa.Column("unclaimed_since", UtcDateTime(), nullable=True))
    op.execute(LED_NOWHERE)
    index = op.f("ix_conversations_unclaimed_since")
    op.create_index(index, "conversations", ["unclaimed_since"])


def downgrade() -> None:
    op.drop_index(op.f("ix_conversations_unclaimed_since"), "conversations")
    op.drop_column("conversations", "unclaimed_since")
    op.drop_table("bound_guests")
