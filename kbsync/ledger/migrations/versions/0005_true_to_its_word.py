"""What a stat, a document on its way and a whole mirror were missing.

A row without `ctime_ns` is of an older format: its file is hashed once, and nothing is sent.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    for table in ("entries", "intents", "rejections"):
        _add(table, sa.BigInteger(), "ctime_ns")
    _add("entries", sa.Double(), "sent_at", "progress_at")
    _add("entries", sa.BigInteger(), "progress")
    _add("entries", _TEXT, "stale_code", "stale_text", "encoding")
    _add("mirrors", _TEXT, "rehash_after", "creates_code", "creates_text")
    _add("mirrors", sa.Double(), "rehash_since", "creates_since", "creates_probe_at")
    op.create_index("ix_entries_inode", "entries", ["mirror", "inode"])
    op.create_table(
        "mounts",
        sa.Column("mirror", _TEXT, nullable=False),
        sa.Column("path", _TEXT, nullable=False),
        sa.PrimaryKeyConstraint("mirror", "path", name="pk_mounts"),
        sqlite_with_rowid=False,
    )


def _add(table: str, kind: sa.types.TypeEngine[Any], *columns: str) -> None:
    for column in columns:
        op.add_column(table, sa.Column(column, kind, nullable=True))
