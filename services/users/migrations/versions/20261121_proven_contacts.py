"""A contact is proven by a code, and whom a restricted case names is kept apart.

An e-mail address beside a phone may have been said by an administrator: it is proved anew.
"""

import sqlalchemy as sa
from alembic import op

revision = "f3a96b0d7c15"
down_revision = "d27c5be81f34"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_phone_proven", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("apart_index", sa.LargeBinary(), nullable=True))
        batch_op.create_index("ix_users_apart_index", ["apart_index"], unique=False)
    op.execute("UPDATE users SET is_email_proven = false WHERE phone_number IS NOT NULL")
    op.execute(
        "UPDATE users SET is_phone_proven = true WHERE phone_index IS NOT NULL "
        "AND user_id IN (SELECT user_id FROM sessions WHERE method = 'otp')"
    )


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_apart_index")
        batch_op.drop_column("apart_index")
        batch_op.drop_column("is_phone_proven")
