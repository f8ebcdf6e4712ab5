"""The ledger's tables (docs/design.md section 8). No server's key is ever kept in them.

Every table that is made or changed here needs a revision in `migrations/versions`; `REVISION`
names the newest one.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

REVISION = "0011"

# "kbsy" in ASCII: the PRAGMA application_id of a file that is a ledger.
APPLICATION_ID = 0x6B627379

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
    }
)

# Paths are compared in code point order on both databases, as the scan walks: SQLite does so by
# itself, PostgreSQL would otherwise follow the database's language.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")
COUNT = BigInteger()
SERIAL = BigInteger().with_variant(Integer(), "sqlite")
SECONDS: Double[float] = Double()


def _key(table: str) -> tuple[Column[str], Column[str], PrimaryKeyConstraint]:
    return (
        Column("mirror", TEXT, nullable=False),
        Column("path", TEXT, nullable=False),
        PrimaryKeyConstraint("mirror", "path", name=f"pk_{table}"),
    )


def _stat() -> list[Column[int]]:
    return [Column(name, COUNT) for name in ("size", "mtime_ns", "inode", "ctime_ns")]


# One row, about the ledger itself. The name stays although "ledger" would say more: kbsync before
# 0003 looks for a table of this name before it says that a ledger is of a newer format.
META = Table(
    "meta",
    METADATA,
    Column("id", COUNT, primary_key=True, autoincrement=False),
    # The latest time that was recorded, see `LedgerClock`.
    Column("high_water", SECONDS, nullable=False),
    # How often a process connected to write; PostgreSQL only.
    Column("generation", COUNT, nullable=False),
    CheckConstraint("id = 1", name="ck_meta_one_row"),
    sqlite_with_rowid=False,
)

# Apart from `bindings`: a mirror is paused, and its documents have an owner, by its name, before
# its base is made, and a pause outlives a rename and a removal of what the name stood for.
MIRRORS = Table(
    "mirrors",
    METADATA,
    Column("mirror", TEXT, primary_key=True),
    # `kbsync.engine.ports.Ownership`; `owner_predecessors` is a JSON list.
    Column("owner_token", TEXT),
    Column("owner_predecessors", TEXT),
    Column("owner_whole", Boolean),
    # The pause that lasts, and the newest release of what the guard halted.
    Column("paused_at", SECONDS),
    Column("agreed_at", SECONDS),
    # How far the rolling re-hash has come: the last path, and when this round began.
    Column("rehash_after", TEXT),
    Column("rehash_since", SECONDS),
    # `kbsync.engine.ports.HeldCreates`: the base takes no new documents now.
    Column("creates_code", TEXT),
    Column("creates_text", TEXT),
    Column("creates_since", SECONDS),
    Column("creates_probe_at", SECONDS),
    # `kbsync.model.HeldBack`: what the guard held back last; `held_reasons` is a JSON list.
    Column("held_digest", TEXT),
    Column("held_changes", COUNT),
    Column("held_reasons", TEXT),
    sqlite_with_rowid=False,
)

# Folders below a mirror's root that were mount points at the last pass that saw them. `covers`: a
# mount there may hide files that were sent; NULL, from before 0007, is no.
MOUNTS = Table(
    "mounts", METADATA, *_key("mounts"), Column("covers", Boolean), sqlite_with_rowid=False
)

# Sets of changes that the guard halted; `members` is a JSON list.
HALTS = Table(
    "halts",
    METADATA,
    Column("digest", TEXT, primary_key=True),
    Column("at", SECONDS, nullable=False),
    Column("members", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

# `kbsync.model.Capabilities` of the server at an address; `seen` is a JSON object.
SERVERS = Table(
    "servers",
    METADATA,
    Column("url", TEXT, primary_key=True),
    Column("version", TEXT),
    Column("seen", TEXT, nullable=False),
    sqlite_with_rowid=False,
)

BINDINGS = Table(
    "bindings",
    METADATA,
    Column("mirror", TEXT, primary_key=True),
    Column("server", TEXT, nullable=False),
    Column("base_id", TEXT, nullable=False),
    Column("base_name", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("device", COUNT),
    # What of the base was declared and applied last, a JSON object.
    Column("settings", TEXT),
    sqlite_with_rowid=False,
)

ENTRIES = Table(
    "entries",
    METADATA,
    *_key("entries"),
    Column("base_id", TEXT, nullable=False),
    Column("document_id", TEXT, nullable=False),
    Column("document_name", TEXT, nullable=False),
    Column("state", TEXT, nullable=False),
    *_stat(),
    Column("content", TEXT),
    Column("settings", TEXT),
    Column("metadata_hash", TEXT),
    Column("rev", TEXT),
    Column("word_count", COUNT),
    Column("batch", TEXT),
    Column("superseded", TEXT),
    Column("reason_code", TEXT),
    Column("reason_text", TEXT),
    Column("failures", COUNT, nullable=False),
    Column("retry_at", SECONDS),
    # When its upload was answered, when its indexing last moved, and how many chunks were done.
    Column("sent_at", SECONDS),
    Column("progress_at", SECONDS),
    Column("progress", COUNT),
    # Why the document no longer is what the file holds, and nothing newer was sent.
    Column("stale_code", TEXT),
    Column("stale_text", TEXT),
    # What the file's text was taken as.
    Column("encoding", TEXT),
    # Which settings beside those of the chunks it agrees with, and the file's own hash.
    Column("profile", TEXT),
    Column("source_content", TEXT),
    # Declared metadata that was written and read back, a JSON object.
    Column("metadata", TEXT),
    Column("trashed_at", SECONDS),
    Column("expires_at", SECONDS),
    Column("chunks", TEXT),
    ForeignKeyConstraint(["mirror"], ["bindings.mirror"]),
    sqlite_with_rowid=False,
)

INTENTS = Table(
    "intents",
    METADATA,
    *_key("intents"),
    Column("op", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("document_id", TEXT),
    Column("content", TEXT),
    Column("settings", TEXT),
    *_stat(),
    Column("ids_seen", TEXT, nullable=False),
    Column("rev_before", TEXT),
    Column("started_at", SECONDS, nullable=False),
    Column("attempt", COUNT, nullable=False),
    sqlite_with_rowid=False,
)

REJECTIONS = Table(
    "rejections",
    METADATA,
    *_key("rejections"),
    Column("content", TEXT, nullable=False),
    Column("settings", TEXT, nullable=False),
    Column("reason_code", TEXT, nullable=False),
    Column("reason_text", TEXT, nullable=False),
    Column("at", SECONDS, nullable=False),
    *_stat(),
    sqlite_with_rowid=False,
)

# Why keys are not what they should be, as the last comparison and the work after it left them,
# where no entry and no rejection says so; of a setting of the base its key in the journal.
UNMET = Table(
    "unmet",
    METADATA,
    *_key("unmet"),
    Column("code", TEXT, nullable=False),
    Column("text", TEXT, nullable=False),
    # Work said so, and no comparison; NULL, from before 0009, is no.
    Column("by_work", Boolean),
    sqlite_with_rowid=False,
)

JOURNAL = Table(
    "journal",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("at", SECONDS, nullable=False),
    Column("mirror", TEXT, nullable=False),
    Column("path", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("document_id", TEXT),
    Column("outcome", TEXT, nullable=False),
    Column("milliseconds", COUNT, nullable=False),
    Column("detail", TEXT, nullable=False),
    # Readers page by id: the id of a pruned line must not come back for another line.
    sqlite_autoincrement=True,
)

LISTINGS = Table(
    "listings",
    METADATA,
    Column("base_id", TEXT, primary_key=True),
    Column("started_at", SECONDS),
    Column("complete", Boolean, nullable=False),
    Column("documents", COUNT, nullable=False),
    # How often the base was listed: of two who list it at once, the later one counts.
    Column("number", COUNT, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# No foreign key to `listings`: SQLite would check it for every row that is deleted.
LISTED = Table(
    "listed",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("base_id", TEXT, nullable=False),
    Column("document_id", TEXT, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("rev", TEXT, nullable=False),
    Column("word_count", COUNT),
    Column("readiness", TEXT, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("size", COUNT),
    Column("metadata", TEXT, nullable=False),
    Column("error", TEXT),
    Column("mark_mirror", TEXT),
    Column("mark_path", TEXT),
    Column("mark_rev", TEXT),
    Column("mark_hash", TEXT),
)
