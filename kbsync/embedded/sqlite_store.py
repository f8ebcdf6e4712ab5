"""The data file: one SQLite database, read over many connections and written over one."""

from __future__ import annotations

import os
import queue
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from .words import spaced

_TABLES: Final = """
CREATE TABLE workspace (tenant TEXT NOT NULL, owner TEXT NOT NULL);

CREATE TABLE knowledge_base (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, provider TEXT NOT NULL, permission TEXT NOT NULL,
  technique TEXT, data_source_type TEXT, retrieval_model TEXT, summary_setting TEXT,
  partial_members TEXT NOT NULL DEFAULT '[]', built_in INTEGER NOT NULL DEFAULT 0,
  enable_api INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);

CREATE TABLE process_rule (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  mode TEXT NOT NULL, rules TEXT);
CREATE INDEX process_rule_by_base ON process_rule (knowledge_base, number);

CREATE TABLE upload (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, size INTEGER NOT NULL,
  extension TEXT NOT NULL, mime_type TEXT NOT NULL, created_at REAL NOT NULL,
  content BLOB NOT NULL);

CREATE TABLE document (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  position INTEGER NOT NULL, name TEXT NOT NULL, upload TEXT NOT NULL, rule TEXT NOT NULL,
  batch TEXT NOT NULL, doc_form TEXT NOT NULL, doc_language TEXT NOT NULL,
  created_from TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  status TEXT NOT NULL, generation INTEGER NOT NULL, doubled INTEGER NOT NULL DEFAULT 0,
  wedged INTEGER NOT NULL DEFAULT 0, error TEXT, enabled INTEGER NOT NULL DEFAULT 1,
  disabled_at INTEGER, archived INTEGER NOT NULL DEFAULT 0, locked_until REAL NOT NULL DEFAULT 0,
  word_count INTEGER, tokens INTEGER, metadata TEXT, processing_started_at INTEGER,
  parsing_completed_at INTEGER, cleaning_completed_at INTEGER, splitting_completed_at INTEGER,
  completed_at INTEGER, stopped_at INTEGER, indexing_latency REAL);
CREATE INDEX document_by_position ON document (knowledge_base, position);
CREATE INDEX document_by_age ON document (knowledge_base, created_at DESC, position DESC);
CREATE INDEX document_by_name ON document (knowledge_base, name);
CREATE INDEX document_by_batch ON document (knowledge_base, batch);
CREATE INDEX document_unfinished ON document (number) WHERE status NOT IN ('completed', 'error');

CREATE TABLE segment (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  document TEXT NOT NULL, position INTEGER NOT NULL, content TEXT NOT NULL, answer TEXT,
  word_count INTEGER NOT NULL, tokens INTEGER NOT NULL DEFAULT 0, keywords TEXT NOT NULL,
  node_id TEXT NOT NULL, node_hash TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
  disabled_at INTEGER, status TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, updated_by TEXT, indexing_at INTEGER, completed_at INTEGER);
CREATE INDEX segment_by_document ON segment (document, position, number);
CREATE INDEX segment_by_base ON segment (knowledge_base);
CREATE VIRTUAL TABLE segment_text USING fts5 (
  words, keywords, tokenize = 'porter unicode61 remove_diacritics 2');

CREATE TABLE child_chunk (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, segment TEXT NOT NULL,
  position INTEGER NOT NULL, content TEXT NOT NULL, word_count INTEGER NOT NULL,
  type TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX child_chunk_by_segment ON child_chunk (segment, position);

CREATE TABLE metadata_field (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  type TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX metadata_field_by_base ON metadata_field (knowledge_base);
CREATE TABLE metadata_binding (
  document TEXT NOT NULL, field TEXT NOT NULL, number INTEGER PRIMARY KEY,
  UNIQUE (document, field));
CREATE INDEX metadata_binding_by_field ON metadata_binding (field);

CREATE TABLE tag (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE);
CREATE TABLE tag_binding (
  tag TEXT NOT NULL, knowledge_base TEXT NOT NULL, PRIMARY KEY (tag, knowledge_base));
"""
# Format 1 is `_TABLES`; each further one is made of the one before, in a new file too.
_LATER: Final = (
    # 2: embeddings, and the full-text index of child chunks. `embeds` is the generation of a
    # document whose chunks stay and only have to be embedded.
    """
ALTER TABLE knowledge_base ADD COLUMN embedding_provider TEXT;
ALTER TABLE knowledge_base ADD COLUMN embedding_model TEXT;
ALTER TABLE document ADD COLUMN embeds INTEGER NOT NULL DEFAULT 0;

CREATE TABLE vector (
  segment INTEGER NOT NULL, child INTEGER NOT NULL DEFAULT 0, places BLOB NOT NULL,
  length REAL NOT NULL, PRIMARY KEY (segment, child));
CREATE VIRTUAL TABLE child_text USING fts5 (
  words, tokenize = 'porter unicode61 remove_diacritics 2');
INSERT INTO child_text (rowid, words) SELECT number, spaced(content) FROM child_chunk;
""",
    # 3: chunks whose keywords were overwritten, so that no search finds them.
    "ALTER TABLE segment ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;",
)
_VERSION: Final = 1 + len(_LATER)


class StoreError(Exception):
    """The data file cannot be used; the message says why and what to type next."""


class SqliteStore:
    """The data file of one embedded server. Safe to use from many threads.

    Args:
        path: the SQLite file; it and its folder are made when missing, readable by the owner only.

    Raises:
        StoreError: the file is no data file of kbsync, of a newer version, or in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._readers: queue.LifoQueue[sqlite3.Connection] = queue.LifoQueue()
        self._write_lock = threading.Lock()
        with ExitStack() as opened:
            try:
                self._process_lock = opened.enter_context(closing(_claim(path)))
                self._writer = opened.enter_context(closing(self._open()))
                self._prepare()
            except (sqlite3.DatabaseError, OSError) as error:
                raise StoreError(
                    f"{path} cannot be used as a data file ({error}). "
                    "Next: kbsync serve --data ANOTHER-FILE"
                ) from error
            opened.pop_all()
        row = self._writer.execute("SELECT tenant, owner FROM workspace").fetchone()
        self.tenant: str = row["tenant"]
        self.owner: str = row["owner"]

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one committed state throughout, and never waits for a writer."""
        try:
            connection = self._readers.get_nowait()
        except queue.Empty:
            connection = self._open()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._readers.put(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end, rolled back when the body raises."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                # A full disk has rolled the transaction back already.
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every connection; nothing may use the store afterwards."""
        while not self._readers.empty():
            self._readers.get_nowait().close()
        with self._write_lock:
            self._writer.close()
        self._process_lock.close()

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=30.0
        )
        connection.row_factory = sqlite3.Row
        # With a write-ahead log this loses no consistency in a power cut, only the last commits.
        connection.execute("PRAGMA synchronous = NORMAL")
        # SQLite's own lower() knows ASCII only.
        connection.create_function("fold", 1, str.casefold, deterministic=True)
        connection.create_function("spaced", 1, spaced, deterministic=True)
        return connection

    def _prepare(self) -> None:
        found: int = self._writer.execute("PRAGMA user_version").fetchone()[0]
        if found > _VERSION:
            raise StoreError(
                f"{self.path} was written by a newer kbsync (format {found}, this one knows "
                f"{_VERSION}). Next: use the kbsync that wrote it; this one is: kbsync --version"
            )
        if not found:
            self._create()
            found = 1
        for number, changes in enumerate(_LATER[found - 1 :], found + 1):
            self._writer.executescript(
                f"BEGIN IMMEDIATE; {changes} PRAGMA user_version = {number}; COMMIT;"
            )
        # The journal mode is kept in the file, so the readers have it too.
        self._writer.execute("PRAGMA journal_mode = WAL")

    def _create(self) -> None:
        if self._writer.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(
                f"{self.path} is an SQLite file of another program. "
                "Next: kbsync serve --data ANOTHER-FILE"
            )
        ids = f"'{fresh_id()}', '{fresh_id()}'"
        workspace = f"INSERT INTO workspace VALUES ({ids});"  # noqa: S608 - two fresh UUIDs
        self._writer.executescript(f"BEGIN; {_TABLES} {workspace} PRAGMA user_version = 1; COMMIT;")


def fresh_id() -> str:
    """A new random id (UUID version 4)."""
    return str(uuid.uuid4())


def now() -> int:
    """The time in whole epoch seconds, rounded down, as the API reports it."""
    return int(time.time())


def _claim(path: Path) -> sqlite3.Connection:
    """Lock the file for this process: two servers would index every document twice."""
    # A lock inside SQLite works on every platform and vanishes with the process.
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    lock = sqlite3.connect(f"{path}.lock", isolation_level=None, check_same_thread=False, timeout=0)
    try:
        lock.execute("PRAGMA locking_mode = EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise StoreError(
            f"{path} is already served by another process. Next: stop it, or "
            "kbsync serve --data ANOTHER-FILE"
        ) from None
    return lock
