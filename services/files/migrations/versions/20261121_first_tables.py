"""first tables"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.first_ground import create_ground, drop_ground
from libs.common.db.types import UtcDateTime

revision = "3b67e1ca16a7"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ground()

    op.create_table(
        "file_attachments",
        sa.Column("file_id", sa.String(length=50), nullable=False),
        sa.Column("grievance_id", sa.String(length=50), nullable=True),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("file_type", sa.String(length=50), nullable=False),
        sa.Column("file_path", sa.String(length=255), nullable=False),
        sa.Column("file_name", sa.LargeBinary(), nullable=True),
        sa.Column("file_size", sa.Integer(), nullable=False),
        sa.Column("mime_type", sa.String(length=50), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=50), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("working_path", sa.String(length=255), nullable=True),
        sa.Column("working_type", sa.String(length=50), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file_attachments")),
        sa.UniqueConstraint("file_path", name=op.f("uq_file_attachments_file_path")),
        sa.UniqueConstraint("working_path", name=op.f("uq_file_attachments_working_path")),
    )
    with op.batch_alter_table("file_attachments", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_file_attachments_grievance_id"), ["grievance_id"], unique=False
        )
        batch_op.create_index("ix_file_attachments_oldest", ["created_at"], unique=False)

    op.create_table(
        "known_cases",
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("grievance_id", name=op.f("pk_known_cases")),
    )


def downgrade() -> None:

    op.drop_table("known_cases")

    with op.batch_alter_table("file_attachments", schema=None) as batch_op:
        batch_op.drop_index("ix_file_attachments_oldest")
        batch_op.drop_index(batch_op.f("ix_file_attachments_grievance_id"))

    op.drop_table("file_attachments")

    drop_ground()
