"""The indexes of the ledger's tables: a new ledger is made with them, an older one gets them.

Apart from `tables`: conditions for PostgreSQL make SQLAlchemy load all that it has for it.
"""

from __future__ import annotations

from sqlalchemy import Index, text

from kbsync.ledger.tables import ENTRIES, JOURNAL, LISTED, METADATA

__all__ = ["METADATA"]

Index("ux_entries_document", ENTRIES.c.base_id, ENTRIES.c.document_id, unique=True)
Index("ix_entries_inode", ENTRIES.c.mirror, ENTRIES.c.inode)
Index("ix_entries_state", ENTRIES.c.mirror, ENTRIES.c.state, ENTRIES.c.path)
Index(
    "ix_entries_superseded",
    ENTRIES.c.base_id,
    ENTRIES.c.superseded,
    sqlite_where=text("superseded IS NOT NULL"),
    postgresql_where=text("superseded IS NOT NULL"),
)
# Beside `path` the primary key would be preferred, and all of a mirror be walked for the few of it.
Index(
    "ix_entries_stale",
    ENTRIES.c.mirror,
    ENTRIES.c.stale_code,
    sqlite_where=text("stale_code IS NOT NULL"),
    postgresql_where=text("stale_code IS NOT NULL"),
)
Index("ix_journal_key", JOURNAL.c.mirror, JOURNAL.c.path, JOURNAL.c.id)
Index("ix_journal_at", JOURNAL.c.at)
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
