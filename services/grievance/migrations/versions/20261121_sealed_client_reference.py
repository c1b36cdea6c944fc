"""The reference of whoever filed a case is sealed, and found by a blind index.

A column in plaintext may hold a phone or a name, so it is dropped with what it holds: nothing was
released with it, and no key of a case is at hand here to seal it with. Not in a batch: SQLite would
copy the table and drop the first one, which other tables refer to.
"""

import sqlalchemy as sa
from alembic import op

revision = "b27d90c4e81f"
down_revision = "8c1f64e0a7d2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("grievances", "client_reference")
    op.add_column("grievances", sa.Column("client_reference", sa.LargeBinary(), nullable=True))
    op.add_column(
        "grievances", sa.Column("client_reference_index", sa.LargeBinary(), nullable=True)
    )
    op.create_index(
        op.f("ix_grievances_client_reference_index"), "grievances", ["client_reference_index"]
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_grievances_client_reference_index"), table_name="grievances")
    op.drop_column("grievances", "client_reference_index")
    op.drop_column("grievances", "client_reference")
    op.add_column(
        "grievances", sa.Column("client_reference", sa.String(length=50), nullable=True)
    )
