"""Where staff work, and what API keys are called, is sealed.

A column in plaintext may hold a name, so both are dropped with what they hold: nothing was released
with them, and no key is at hand here to seal them with. Nobody works everywhere by that: whoever
worked in a part is a citizen until an administrator says again what they are, and where. A key goes
by its prefix. Not in a batch: SQLite would copy the table and drop the first one, which other tables
refer to.
"""

import sqlalchemy as sa
from alembic import op

from libs.common.db.types import Json

revision = "e6a1f0c2b947"
down_revision = "b09fc43fbe26"
branch_labels = None
depends_on = None

USERS = sa.table("users", sa.column("user_id"), sa.column("role"), sa.column("scope", Json))


def upgrade() -> None:
    rows = op.get_bind().execute(sa.select(USERS.c.user_id, USERS.c.scope)).all()
    in_a_part = [user_id for user_id, scope in rows if any(scope.values())]
    for user_id in in_a_part:
        _make_citizen(USERS.c.user_id == user_id)
    op.drop_column("users", "scope")
    op.add_column("users", sa.Column("scope", sa.LargeBinary(), nullable=True))
    op.drop_column("api_keys", "name")
    op.add_column("api_keys", sa.Column("name", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    _make_citizen(USERS.c.scope.is_not(None))
    op.drop_column("api_keys", "name")
    op.add_column(
        "api_keys",
        sa.Column("name", sa.String(length=100), nullable=False, server_default="forgotten"),
    )
    op.drop_column("users", "scope")
    op.add_column("users", sa.Column("scope", Json, nullable=False, server_default="{}"))


def _make_citizen(who: sa.ColumnElement[bool]) -> None:
    op.execute(sa.update(USERS).where(who).values(role="citizen"))
