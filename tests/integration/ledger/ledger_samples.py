"""Samples that the ledger's tests share."""

from __future__ import annotations

from typing import Any

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.model import (
    Binding,
    DocKey,
    EntryState,
    Fingerprint,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Readiness,
    Rejection,
    RemoteDocument,
    Stat,
)

SETTINGS = "settings-now"
BASE = "B"

HOSTILE = [
    "it's; DROP TABLE entries; --",
    'quote".md',
    "line\nbreak\r.md",
    "%s %(path)s :path ?.md",
    "\u202egnp.exe",
    "e\u0301-and-\u00e9.md",
    "\ue000.md",
    "\uffee.md",
    "\U0001f600.md",
    "a/b.md",
    "a-b.md",
    "a.md",
    "A.md",
    "\x01\x7f.md",
    "back\\slash.md",
]


def key(path: str, mirror: str = "docs") -> DocKey:
    return DocKey(mirror=mirror, path=path)


def bound(store: LedgerStore, mirror: str = "docs", base: str = BASE) -> LedgerStore:
    store.bind(binding(mirror, base))
    return store


def binding(mirror: str = "docs", base: str = BASE) -> Binding:
    return Binding(
        mirror=mirror, server="s", base_id=base, base_name="Docs", source="/docs", device=2**63 + 5
    )


def print_of(content: str = "c", settings: str = SETTINGS) -> Fingerprint:
    return Fingerprint(content=content, settings=settings)


def entry(path: str, document: str = "", mirror: str = "docs", **changes: Any) -> LedgerEntry:
    values: dict[str, Any] = {
        "key": key(path, mirror),
        "document_id": document or f"doc-{path}",
        "document_name": path,
        "state": EntryState.SYNCED,
        "stat": Stat(10, 20, 30, 1),
        "fingerprint": print_of(),
        "metadata_hash": "m",
        "rev": "rev",
        "word_count": 7,
    }
    return LedgerEntry(**{**values, **changes})


def intent(path: str, mirror: str = "docs", **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "key": key(path, mirror),
        "op": Op.UPDATE,
        "name": path,
        "started_at": 1000.5,
        "document_id": f"doc-{path}",
        "fingerprint": print_of("new"),
        "stat": Stat(11, 21, 2**64 - 1, 1),
        "ids_seen": frozenset({"x", "y"}),
        "rev_before": "rev",
        "attempt": 2,
    }
    return Intent(**{**values, **changes})


def rejection(path: str, mirror: str = "docs", **changes: Any) -> Rejection:
    values: dict[str, Any] = {
        "key": key(path, mirror),
        "fingerprint": print_of("refused"),
        "reason": ("KB-R001", "too large"),
        "at": 900.0,
        "stat": Stat(12, 22, 32, 1),
    }
    return Rejection(**{**values, **changes})


def line(path: str, at: float = 1.0, mirror: str = "docs", **changes: Any) -> JournalLine:
    values: dict[str, Any] = {
        "at": at,
        "mirror": mirror,
        "path": path,
        "action": "create",
        "document_id": f"doc-{path}",
        "outcome": "done",
        "milliseconds": 12,
    }
    return JournalLine(**{**values, **changes})


def document(name: str, id: str = "", **changes: Any) -> RemoteDocument:
    values: dict[str, Any] = {
        "id": id or f"doc-{name}",
        "name": name,
        "rev": "rev",
        "word_count": 7,
        "readiness": Readiness.AVAILABLE,
        "size": 100,
    }
    return RemoteDocument(**{**values, **changes})


def marked(path: str, id: str, mirror: str = "docs", rev: str = "rev") -> RemoteDocument:
    mark = {"kbsync_mirror": mirror, "kbsync_path": path, "kbsync_rev": rev, "topic": "x"}
    return document(path, id, metadata=mark)


def put(store: LedgerStore, *entries: LedgerEntry) -> None:
    store.commit_all([EntryChange(key=each.key, entry=each) for each in entries])
