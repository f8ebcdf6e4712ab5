"""The first format."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bindings",
        sa.Column("mirror", _WORDS, nullable=False),
        sa.Column("server", _WORDS, nullable=False),
        sa.Column("base_id", _WORDS, nullable=False),
        sa.Column("base_name", _WORDS, nullable=False),
        sa.Column("source", _WORDS, nullable=False),
        sa.Column("device", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("mirror", name="pk_bindings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "intents",
        sa.Column("mirror", _WORDS, nullable=False),
        sa.Column("path", _WORDS, nullable=False),
        sa.Column("op", _WORDS, nullable=False),
        sa.Column("name", _WORDS, nullable=False),
        sa.Column("document_id", _WORDS, nullable=True),
        sa.Column("content", _WORDS, nullable=True),
        sa.Column("settings", _WORDS, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("inode", sa.BigInteger(), nullable=True),
        sa.Column("ids_seen", _WORDS, nullable=False),
        sa.Column("rev_before", _WORDS, nullable=True),
        sa.Column("started_at", sa.Double(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("mirror", "path", name="pk_intents"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("mirror", _WORDS, nullable=False),
        sa.Column("path", _WORDS, nullable=False),
        sa.Column("action", _WORDS, nullable=False),
        sa.Column("document_id", _WORDS, nullable=True),
        sa.Column("outcome", _WORDS, nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("detail", _WORDS, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_journal"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_journal_at", "journal", ["at"], unique=False)
    op.create_index("ix_journal_key", "journal", ["mirror", "path", "id"], unique=False)
    op.create_table(
        "listings",
        sa.Column("base_id", _WORDS, nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("documents", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("base_id", name="pk_listings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "meta",
        sa.Column("key", _WORDS, nullable=False),
        sa.Column("value", _WORDS, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rejections",
        sa.Column("mirror", _WORDS, nullable=False),
        sa.Column("path", _WORDS, nullable=False),
        sa.Column("content", _WORDS, nullable=False),
        sa.Column("settings", _WORDS, nullable=False),
        sa.Column("reason_code", _WORDS, nullable=False),
        sa.Column("reason_text", _WORDS, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("inode", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("mirror", "path", name="pk_rejections"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        sa.Column("mirror", _WORDS, nullable=False),
        sa.Column("path", _WORDS, nullable=False),
        sa.Column("base_id", _WORDS, nullable=False),
        sa.Column("document_id", _WORDS, nullable=False),
        sa.Column("document_name", _WORDS, nullable=False),
        sa.Column("state", _WORDS, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=True),
        sa.Column("inode", sa.BigInteger(), nullable=True),
        sa.Column("content", _WORDS, nullable=True),
        sa.Column("settings", _WORDS, nullable=True),
        sa.Column("metadata_hash", _WORDS, nullable=True),
        sa.Column("rev", _WORDS, nullable=True),
        sa.Column("word_count", sa.BigInteger(), nullable=True),
        sa.Column("batch", _WORDS, nullable=True),
        sa.Column("superseded", _WORDS, nullable=True),
        sa.Column("reason_code", _WORDS, nullable=True),
        sa.Column("reason_text", _WORDS, nullable=True),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("retry_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["mirror"], ["bindings.mirror"], name="fk_entries_bindings"),
        sa.PrimaryKeyConstraint("mirror", "path", name="pk_entries"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_entries_state", "entries", ["mirror", "state", "path"], unique=False)
    op.create_index(
        "ix_entries_superseded",
        "entries",
        ["base_id", "superseded"],
        unique=False,
        sqlite_where=sa.text("superseded IS NOT NULL"),
        postgresql_where=sa.text("superseded IS NOT NULL"),
    )
    op.create_index("ux_entries_document", "entries", ["base_id", "document_id"], unique=True)
    op.create_table(
        "listed",
        sa.Column("id", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("base_id", _WORDS, nullable=False),
        sa.Column("document_id", _WORDS, nullable=False),
        sa.Column("name", _WORDS, nullable=False),
        sa.Column("rev", _WORDS, nullable=False),
        sa.Column("word_count", sa.BigInteger(), nullable=True),
        sa.Column("readiness", _WORDS, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("metadata", _WORDS, nullable=False),
        sa.Column("error", _WORDS, nullable=True),
        sa.Column("mark_mirror", _WORDS, nullable=True),
        sa.Column("mark_path", _WORDS, nullable=True),
        sa.Column("mark_rev", _WORDS, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_listed"),
    )
    op.create_index(
        "ix_listed_document",
        "listed",
        ["base_id", "document_id", "rev", "word_count", "readiness", "enabled"],
        unique=False,
    )
    op.create_index(
        "ix_listed_mark",
        "listed",
        ["base_id", "mark_mirror", "mark_path", "mark_rev", "rev", "document_id"],
        unique=False,
        sqlite_where=sa.text("mark_path IS NOT NULL"),
        postgresql_where=sa.text("mark_path IS NOT NULL"),
    )
    op.create_index("ix_listed_name", "listed", ["base_id", "name"], unique=False)
