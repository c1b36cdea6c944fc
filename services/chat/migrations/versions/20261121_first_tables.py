"""first tables"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.first_ground import create_ground, drop_ground
from libs.common.db.types import Json, UtcDateTime

revision = "c4e9b26321a8"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_ground()
    op.create_table(
        "chat_config",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("polling_interval_ms", sa.Integer(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_config")),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("opening_key", sa.String(length=100), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("locale", sa.String(length=10), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint(
            "owner", "opening_key", name=op.f("uq_conversations_owner_opening_key")
        ),
    )
    with op.batch_alter_table("conversations") as batch_op:
        batch_op.create_index(
            "ix_conversations_newest", ["owner", "started_at", "id"], unique=False
        )

    op.create_table(
        "faqs",
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("question", sa.String(length=300), nullable=False),
        sa.Column("question_ne", sa.String(length=300), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answer_ne", sa.Text(), nullable=False),
        sa.Column("variants", Json, nullable=False),
        sa.Column("order", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_faqs")),
        sa.UniqueConstraint("question", name=op.f("uq_faqs_question")),
    )
    with op.batch_alter_table("faqs") as batch_op:
        batch_op.create_index("ix_faqs_active", ["is_active", "order"], unique=False)

    op.create_table(
        "attachments",
        sa.Column("file_id", sa.String(length=50), nullable=False),
        sa.Column("conversation_id", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_attachments_conversation_id")
        ),
        sa.PrimaryKeyConstraint("file_id", "conversation_id", name=op.f("pk_attachments")),
    )
    op.create_table(
        "case_links",
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.Column("conversation_id", sa.String(length=50), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_case_links_conversation_id")
        ),
        sa.PrimaryKeyConstraint("grievance_id", name=op.f("pk_case_links")),
    )
    with op.batch_alter_table("case_links") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_case_links_conversation_id"), ["conversation_id"], unique=False
        )

    op.create_table(
        "filings",
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("conversation_id", sa.String(length=50), nullable=False),
        sa.Column("message_id", sa.String(length=50), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        sa.Column("grievance_id", sa.String(length=50), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_filings_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filings")),
    )
    with op.batch_alter_table("filings") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_filings_conversation_id"), ["conversation_id"], unique=False
        )
        batch_op.create_index("ix_filings_due", ["state", "next_try_at"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("conversation_id", sa.String(length=50), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=20), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("meta", Json, nullable=False),
        sa.Column("reply_to", sa.String(length=50), nullable=True),
        sa.Column("client_message_id", sa.String(length=100), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "conversation_id",
            "client_message_id",
            name=op.f("uq_messages_conversation_id_client_message_id"),
        ),
        sa.UniqueConstraint("conversation_id", "seq", name=op.f("uq_messages_conversation_id_seq")),
    )


def downgrade() -> None:
    op.drop_table("messages")
    with op.batch_alter_table("filings") as batch_op:
        batch_op.drop_index("ix_filings_due")
        batch_op.drop_index(batch_op.f("ix_filings_conversation_id"))

    op.drop_table("filings")
    with op.batch_alter_table("case_links") as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_links_conversation_id"))

    op.drop_table("case_links")
    op.drop_table("attachments")

    with op.batch_alter_table("faqs") as batch_op:
        batch_op.drop_index("ix_faqs_active")

    op.drop_table("faqs")

    with op.batch_alter_table("conversations") as batch_op:
        batch_op.drop_index("ix_conversations_newest")

    op.drop_table("conversations")
    op.drop_table("chat_config")
    drop_ground()
