"""The first answers and the one row of configuration (S2-15)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import Json, UtcDateTime

revision = "5b0d7c1e9f42"
down_revision = "c4e9b26321a8"
branch_labels = None
depends_on = None

POLLING_INTERVAL_MS = 2500
FAQS = Path(__file__).parents[2] / "data" / "faqs.json"

faqs = sa.table(
    "faqs",
    sa.column("id", sa.String),
    sa.column("question", sa.String),
    sa.column("question_ne", sa.String),
    sa.column("answer", sa.Text),
    sa.column("answer_ne", sa.Text),
    sa.column("variants", Json),
    sa.column("order", sa.Integer),
    sa.column("is_active", sa.Boolean),
    sa.column("created_at", UtcDateTime),
    sa.column("updated_at", UtcDateTime),
)
chat_config = sa.table(
    "chat_config",
    sa.column("id", sa.Integer),
    sa.column("polling_interval_ms", sa.Integer),
    sa.column("updated_at", UtcDateTime),
)


def upgrade() -> None:
    now = datetime.now(UTC)
    rows = json.loads(FAQS.read_text(encoding="utf-8"))
    op.bulk_insert(
        faqs,
        [
            {
                **{name: row[name] for name in ("id", "question", "question_ne", "answer")},
                "answer_ne": row["answer_ne"],
                "variants": row["variants"],
                "order": order,
                "is_active": True,
                "created_at": now,
                "updated_at": now,
            }
            for order, row in enumerate(rows)
        ],
    )
    config = {"id": 1, "polling_interval_ms": POLLING_INTERVAL_MS, "updated_at": now}
    op.bulk_insert(chat_config, [config])


def downgrade() -> None:
    op.execute(faqs.delete())
    op.execute(chat_config.delete())
