"""first tables"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.first_ground import create_ground, drop_ground
from libs.common.db.types import Json, RowId, UtcDateTime

revision = "5acbc04e7d48"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ground()

    op.create_table(
        "file_processing",
        sa.Column("file_id", sa.String(length=50), nullable=False),
        sa.Column("task_id", sa.String(length=50), nullable=False),
        sa.Column("file_type", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("file_id", name=op.f("pk_file_processing")),
    )
    with op.batch_alter_table("file_processing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_file_processing_task_id"), ["task_id"], unique=False)

    op.create_table(
        "system_monitoring",
        sa.Column("monitor_id", RowId, autoincrement=True, nullable=False),
        sa.Column("service_name", sa.String(length=50), nullable=False),
        sa.Column("event_type", sa.String(length=50), nullable=False),
        sa.Column("event_data", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("monitor_id", name=op.f("pk_system_monitoring")),
    )
    with op.batch_alter_table("system_monitoring", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_system_monitoring_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "tasks",
        sa.Column("task_id", sa.String(length=50), nullable=False),
        sa.Column("task_name", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("lane", sa.String(length=20), nullable=False),
        sa.Column("arguments", Json, nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("status_code", sa.String(length=20), nullable=False),
        sa.Column("retry_count", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("announce_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.LargeBinary(), nullable=True),
        sa.Column("error_message", sa.String(length=100), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("task_name", "subject", name=op.f("uq_tasks_task_name_subject")),
    )
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_announce_at"), ["announce_at"], unique=False)
        batch_op.create_index("ix_tasks_newest", ["created_at", "task_id"], unique=False)
        batch_op.create_index(
            "ix_tasks_status_newest", ["status_code", "created_at", "task_id"], unique=False
        )

    op.create_table(
        "task_logs",
        sa.Column("log_id", RowId, autoincrement=True, nullable=False),
        sa.Column("task_id", sa.String(length=50), nullable=False),
        sa.Column("event_type", sa.String(length=50), nullable=False),
        sa.Column("event_data", Json, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.task_id"], name=op.f("fk_task_logs_task_id")),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_task_logs")),
    )
    with op.batch_alter_table("task_logs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_task_logs_task_id"), ["task_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("task_logs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_logs_task_id"))

    op.drop_table("task_logs")
    with op.batch_alter_table("tasks", schema=None) as batch_op:
        batch_op.drop_index("ix_tasks_status_newest")
        batch_op.drop_index("ix_tasks_newest")
        batch_op.drop_index(batch_op.f("ix_tasks_announce_at"))

    op.drop_table("tasks")
    with op.batch_alter_table("system_monitoring", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_system_monitoring_created_at"))

    op.drop_table("system_monitoring")

    with op.batch_alter_table("file_processing", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_file_processing_task_id"))

    op.drop_table("file_processing")

    drop_ground()
