"""first tables"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.first_ground import create_ground, drop_ground
from libs.common.db.types import Json, RowId, UtcDateTime

revision = "aed3388aa7a9"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ground()
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(length=50), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("prefix", sa.String(length=30), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index("ix_api_keys_newest", ["created_at", "key_id"], unique=False)

    op.create_table(
        "audit_log",
        sa.Column("audit_id", RowId, autoincrement=True, nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=40), nullable=False),
        sa.Column("about", sa.String(length=100), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name=op.f("pk_audit_log")),
    )
    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_log_about"), ["about"], unique=False)

    op.create_table(
        "users",
        sa.Column("user_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("scope", Json, nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("email_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_number", sa.LargeBinary(), nullable=True),
        sa.Column("name", sa.LargeBinary(), nullable=True),
        sa.Column("email", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.LargeBinary(), nullable=True),
        sa.Column("municipality", sa.LargeBinary(), nullable=True),
        sa.Column("national_id", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_users")),
        sa.UniqueConstraint("phone_index", name=op.f("uq_users_phone_index")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_users_email_index"), ["email_index"], unique=False)
        batch_op.create_index("ix_users_role", ["role"], unique=False)

    op.create_table(
        "credentials",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("login_index", sa.LargeBinary(), nullable=False),
        sa.Column("username", sa.LargeBinary(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_credentials_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("login_index", name=op.f("uq_credentials_login_index")),
    )


def downgrade() -> None:
    op.drop_table("credentials")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_role")
        batch_op.drop_index(batch_op.f("ix_users_email_index"))

    op.drop_table("users")

    with op.batch_alter_table("audit_log", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_log_about"))

    op.drop_table("audit_log")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_api_keys_newest")

    op.drop_table("api_keys")
    drop_ground()
