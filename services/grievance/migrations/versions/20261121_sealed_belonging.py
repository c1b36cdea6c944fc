"""Project, organisation and municipality of a case are sealed, and found by blind indexes.

A column in plaintext may hold a name, so they are dropped with what they hold: nothing was released
with them, and no key is at hand here to seal them with. Those cases belong nowhere until an officer
who works everywhere says again where they belong. Not in a batch: SQLite would copy the table and
drop the first one, which other tables refer to.
"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import UtcDateTime

revision = "5f0c83be61d9"
down_revision = "d41f0b6a92e7"
branch_labels = None
depends_on = None

SEALED = {"project_type": 50, "organisation": 100, "municipality": 100}


def upgrade() -> None:
    op.drop_index("ix_grievances_municipality_newest", "grievances")
    for name in SEALED:
        op.drop_column("grievances", name)
        op.add_column("grievances", sa.Column(name, sa.LargeBinary(), nullable=True))
    op.drop_index(op.f("ix_grievances_filed_by"), "grievances")
    op.create_index(
        "ix_grievances_filed_by_newest", "grievances", ["filed_by", "created_at", "grievance_id"]
    )
    op.create_table(
        "case_words",
        sa.Column("word", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("grievance_id", sa.String(length=50), nullable=False),
        sa.ForeignKeyConstraint(
            ["grievance_id"],
            ["grievances.grievance_id"],
            name=op.f("fk_case_words_grievance_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("word", "created_at", "grievance_id", name=op.f("pk_case_words")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_case_words_case", "case_words", ["grievance_id", "word"])


def downgrade() -> None:
    op.drop_index("ix_case_words_case", "case_words")
    op.drop_table("case_words")
    op.drop_index("ix_grievances_filed_by_newest", "grievances")
    op.create_index(op.f("ix_grievances_filed_by"), "grievances", ["filed_by"])
    for name, length in SEALED.items():
        op.drop_column("grievances", name)
        op.add_column("grievances", sa.Column(name, sa.String(length), nullable=True))
    op.execute("UPDATE grievances SET project_type = 'general'")
    op.create_index(
        "ix_grievances_municipality_newest",
        "grievances",
        ["municipality", "created_at", "grievance_id"],
    )
