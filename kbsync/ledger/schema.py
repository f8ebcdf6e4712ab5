"""The ledger's tables (docs/design.md section 8). No key or token is ever kept in them.

Every table that is made or changed here needs a revision in `migrations/versions`; `REVISION`
names the newest one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

REVISION = "0002"

# "kbsy": what PRAGMA application_id tells of a file that is a ledger.
APPLICATION_ID = 0x6B627379

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)

# Paths are compared in code point order on both databases, as the scan walks: SQLite does so by
# itself, PostgreSQL would otherwise follow the database's language.
WORDS = Text().with_variant(Text(collation="C"), "postgresql")
COUNT = BigInteger()
SERIAL = BigInteger().with_variant(Integer(), "sqlite")
SECONDS: Double[float] = Double()


def _key(table: str) -> tuple[Column[str], Column[str], PrimaryKeyConstraint]:
    return (
        Column("mirror", WORDS, nullable=False),
        Column("path", WORDS, nullable=False),
        PrimaryKeyConstraint("mirror", "path", name=f"pk_{table}"),
    )


def _stat() -> tuple[Column[int], Column[int], Column[int]]:
    return Column("size", COUNT), Column("mtime_ns", COUNT), Column("inode", COUNT)


META = Table(
    "meta",
    METADATA,
    Column("key", WORDS, primary_key=True),
    Column("value", WORDS, nullable=False),
    sqlite_with_rowid=False,
)

BINDINGS = Table(
    "bindings",
    METADATA,
    Column("mirror", WORDS, primary_key=True),
    Column("server", WORDS, nullable=False),
    Column("base_id", WORDS, nullable=False),
    Column("base_name", WORDS, nullable=False),
    Column("source", WORDS, nullable=False),
    Column("device", COUNT),
    sqlite_with_rowid=False,
)

ENTRIES = Table(
    "entries",
    METADATA,
    *_key("entries"),
    Column("base_id", WORDS, nullable=False),
    Column("document_id", WORDS, nullable=False),
    Column("document_name", WORDS, nullable=False),
    Column("state", WORDS, nullable=False),
    *_stat(),
    Column("content", WORDS),
    Column("settings", WORDS),
    Column("metadata_hash", WORDS),
    Column("rev", WORDS),
    Column("word_count", COUNT),
    Column("batch", WORDS),
    Column("superseded", WORDS),
    Column("reason_code", WORDS),
    Column("reason_text", WORDS),
    Column("failures", COUNT, nullable=False),
    Column("retry_at", SECONDS),
    ForeignKeyConstraint(["mirror"], ["bindings.mirror"]),
    sqlite_with_rowid=False,
)
Index("ux_entries_document", ENTRIES.c.base_id, ENTRIES.c.document_id, unique=True)
Index("ix_entries_state", ENTRIES.c.mirror, ENTRIES.c.state, ENTRIES.c.path)
Index(
    "ix_entries_superseded",
    ENTRIES.c.base_id,
    ENTRIES.c.superseded,
    sqlite_where=text("superseded IS NOT NULL"),
    postgresql_where=text("superseded IS NOT NULL"),
)

INTENTS = Table(
    "intents",
    METADATA,
    *_key("intents"),
    Column("op", WORDS, nullable=False),
    Column("name", WORDS, nullable=False),
    Column("document_id", WORDS),
    Column("content", WORDS),
    Column("settings", WORDS),
    *_stat(),
    Column("ids_seen", WORDS, nullable=False),
    Column("rev_before", WORDS),
    Column("started_at", SECONDS, nullable=False),
    Column("attempt", COUNT, nullable=False),
    sqlite_with_rowid=False,
)

REJECTIONS = Table(
    "rejections",
    METADATA,
    *_key("rejections"),
    Column("content", WORDS, nullable=False),
    Column("settings", WORDS, nullable=False),
    Column("reason_code", WORDS, nullable=False),
    Column("reason_text", WORDS, nullable=False),
    Column("at", SECONDS, nullable=False),
    *_stat(),
    sqlite_with_rowid=False,
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at", SECONDS, nullable=False),
    Column("mirror", WORDS, nullable=False),
    Column("path", WORDS, nullable=False),
    Column("action", WORDS, nullable=False),
    Column("document_id", WORDS),
    Column("outcome", WORDS, nullable=False),
    Column("milliseconds", COUNT, nullable=False),
    Column("detail", WORDS, nullable=False),
    # An id that was told to a reader never comes back for another line.
    sqlite_autoincrement=True,
)
Index("ix_journal_key", JOURNAL.c.mirror, JOURNAL.c.path, JOURNAL.c.id)
Index("ix_journal_at", JOURNAL.c.at)

LISTINGS = Table(
    "listings",
    METADATA,
    Column("base_id", WORDS, primary_key=True),
    Column("started_at", SECONDS),
    Column("complete", Boolean, nullable=False),
    Column("documents", COUNT, nullable=False),
    sqlite_with_rowid=False,
)

# No foreign key to `listings`: with one SQLite would look at every row it forgets.
LISTED = Table(
    "listed",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("base_id", WORDS, nullable=False),
    Column("document_id", WORDS, nullable=False),
    Column("name", WORDS, nullable=False),
    Column("rev", WORDS, nullable=False),
    Column("word_count", COUNT),
    Column("readiness", WORDS, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("size", COUNT),
    Column("metadata", WORDS, nullable=False),
    Column("error", WORDS),
    Column("mark_mirror", WORDS),
    Column("mark_path", WORDS),
    Column("mark_rev", WORDS),
    Column("mark_hash", WORDS),
)
# Covering, and on purpose not beside a unique index of (base_id, document_id): SQLite would
# prefer that one and read a page of the table for every document of a pass. The ledger's one
# writer keeps ids unique.
Index(
    "ix_listed_document",
    LISTED.c.base_id,
    LISTED.c.document_id,
    LISTED.c.rev,
    LISTED.c.word_count,
    LISTED.c.readiness,
    LISTED.c.enabled,
    LISTED.c.mark_hash,
)
Index("ix_listed_name", LISTED.c.base_id, LISTED.c.name)
Index(
    "ix_listed_mark",
    LISTED.c.base_id,
    LISTED.c.mark_mirror,
    LISTED.c.mark_path,
    LISTED.c.mark_rev,
    LISTED.c.rev,
    LISTED.c.document_id,
    sqlite_where=text("mark_path IS NOT NULL"),
    postgresql_where=text("mark_path IS NOT NULL"),
)
