"""A listed document keeps a hash of its mark, by which a pass sees that it was changed.

Listings are copies of what a server says: those taken without the hash are dropped, and the next
pass takes new ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.execute("DELETE FROM listed")
    op.execute("DELETE FROM listings")
    op.add_column("listed", sa.Column("mark_hash", _WORDS, nullable=True))
    op.drop_index("ix_listed_document", table_name="listed")
    op.create_index(
        "ix_listed_document",
        "listed",
        ["base_id", "document_id", "rev", "word_count", "readiness", "enabled", "mark_hash"],
        unique=False,
    )
