"""first tables"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.first_ground import create_ground, drop_ground
from libs.common.db.types import Json, RowId, UtcDateTime

revision = "19bc3743ad4a"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:

    create_ground()

    op.create_table(
        "grievances",
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("filed_by", sa.String(length=100), nullable=False),
        sa.Column("client_reference", sa.String(length=50), nullable=True),
        sa.Column("conversation_id", sa.String(length=50), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("project_type", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("sensitivity", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("description", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.LargeBinary(), nullable=True),
        sa.Column("category", sa.String(length=40), nullable=True),
        sa.Column("categories", Json, nullable=False),
        sa.Column("classification_status", sa.String(length=20), nullable=False),
        sa.Column("municipality", sa.String(length=100), nullable=True),
        sa.Column("ward", sa.Integer(), nullable=True),
        sa.Column("place", sa.LargeBinary(), nullable=True),
        sa.Column("resolution", sa.LargeBinary(), nullable=True),
        sa.Column("resolution_category", sa.String(length=30), nullable=True),
        sa.Column("resolved_by", sa.String(length=100), nullable=True),
        sa.Column("access_code", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("grievance_id", name=op.f("pk_grievances")),
    )
    with op.batch_alter_table("grievances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grievances_filed_by"), ["filed_by"], unique=False)
        batch_op.create_index(
            "ix_grievances_municipality_newest",
            ["municipality", "created_at", "grievance_id"],
            unique=False,
        )
        batch_op.create_index("ix_grievances_newest", ["created_at", "grievance_id"], unique=False)
        batch_op.create_index(
            "ix_grievances_status_newest", ["status", "created_at", "grievance_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_grievances_user_id"), ["user_id"], unique=False)

    op.create_table(
        "case_files",
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("file_id", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["grievance_id"], ["grievances.grievance_id"], name=op.f("fk_case_files_grievance_id")
        ),
        sa.PrimaryKeyConstraint("grievance_id", "file_id", name=op.f("pk_case_files")),
    )
    op.create_table(
        "notes",
        sa.Column("note_id", sa.String(length=50), nullable=False),
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grievance_id"], ["grievances.grievance_id"], name=op.f("fk_notes_grievance_id")
        ),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_notes")),
    )
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notes_grievance_id"), ["grievance_id"], unique=False)

    op.create_table(
        "parties",
        sa.Column("party_id", sa.String(length=50), nullable=False),
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grievance_id"], ["grievances.grievance_id"], name=op.f("fk_parties_grievance_id")
        ),
        sa.PrimaryKeyConstraint("party_id", name=op.f("pk_parties")),
    )
    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_parties_grievance_id"), ["grievance_id"], unique=False)

    op.create_table(
        "status_history",
        sa.Column("history_id", RowId, autoincrement=True, nullable=False),
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("from_status", sa.String(length=20), nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("notes", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grievance_id"],
            ["grievances.grievance_id"],
            name=op.f("fk_status_history_grievance_id"),
        ),
        sa.PrimaryKeyConstraint("history_id", name=op.f("pk_status_history")),
    )
    with op.batch_alter_table("status_history", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_status_history_grievance_id"), ["grievance_id"], unique=False
        )


def downgrade() -> None:

    with op.batch_alter_table("status_history", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_status_history_grievance_id"))

    op.drop_table("status_history")
    with op.batch_alter_table("parties", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_parties_grievance_id"))

    op.drop_table("parties")
    with op.batch_alter_table("notes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notes_grievance_id"))

    op.drop_table("notes")
    op.drop_table("case_files")

    with op.batch_alter_table("grievances", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grievances_user_id"))
        batch_op.drop_index("ix_grievances_status_newest")
        batch_op.drop_index("ix_grievances_newest")
        batch_op.drop_index("ix_grievances_municipality_newest")
        batch_op.drop_index(batch_op.f("ix_grievances_filed_by"))

    op.drop_table("grievances")

    drop_ground()
