"""Listings of a base are counted: processes that share the ledger may list one base at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "listings", sa.Column("number", sa.BigInteger(), nullable=False, server_default="0")
    )
