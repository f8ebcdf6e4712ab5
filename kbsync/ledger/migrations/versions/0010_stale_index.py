"""Stale documents are found without a walk over all: few are, and pages and counts ask for them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SOME = sa.text("stale_code IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_entries_stale",
        "entries",
        ["mirror", "stale_code"],
        sqlite_where=_SOME,
        postgresql_where=_SOME,
    )
