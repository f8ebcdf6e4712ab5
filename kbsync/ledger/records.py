"""Rows of the ledger's tables ↔ the types of `kbsync.model`."""

from __future__ import annotations

import json
from typing import Any, Final

from sqlalchemy import Column, Table

from kbsync.engine.ports import ObservedListing
from kbsync.ledger.database import Row, Value
from kbsync.ledger.tables import (
    BINDINGS,
    ENTRIES,
    INTENTS,
    JOURNAL,
    LISTED,
    LISTINGS,
    MIRRORS,
    REJECTIONS,
    SERVERS,
)
from kbsync.model import (
    Binding,
    Capabilities,
    DocKey,
    EntryState,
    Fingerprint,
    HeldBack,
    HeldCreates,
    Intent,
    JournalLine,
    LedgerEntry,
    Op,
    Ownership,
    Readiness,
    Rehash,
    Rejection,
    RemoteDocument,
    Stat,
)
from kbsync.model.capabilities import noted
from kbsync.model.files import NO_CTIME
from kbsync.planning.marks import is_marked, values_hash

_LARGEST: Final = 2**63 - 1
WRAP: Final = 2**64


def storable(text: str) -> bool:
    """Whether both databases can keep `text` as it is: no NUL, no lone surrogate."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return "\0" not in text


def stored(text: str) -> str:
    """Return `text`; what no database can keep of it is written as an escape."""
    if storable(text):
        return text
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def stored_inode(inode: int) -> int:
    """Return an unsigned 64-bit inode number as the signed one databases know."""
    return inode if inode <= _LARGEST else inode - WRAP


def true_inode(number: int) -> int:
    """Return the inode number that `stored_inode` made `number` of."""
    return number if number >= 0 else number + WRAP


def stat_values(stat: Stat | None) -> dict[str, Value]:
    """Return the columns of `stat`; a time outside the years 1677 to 2262 reads as unknown."""
    if stat is None or not -_LARGEST <= stat.mtime_ns <= _LARGEST or stat.inode >= WRAP:
        return {"size": None, "mtime_ns": None, "inode": None, "ctime_ns": None}
    return {
        "size": stat.size,
        "mtime_ns": stat.mtime_ns,
        "inode": stored_inode(stat.inode),
        "ctime_ns": stat.ctime_ns if abs(stat.ctime_ns) <= _LARGEST else NO_CTIME,
    }


def columns(table: Table, *names: str) -> list[Column[Any]]:
    """Return the named columns of `table` in this order."""
    return [table.c[name] for name in names]


def _text(text: str | None) -> str | None:
    return None if text is None else stored(text)


def _count(number: int | None) -> int | None:
    return None if number is None else max(-_LARGEST, min(number, _LARGEST))


def _fingerprint(content: Any, settings: Any) -> Fingerprint | None:
    return None if content is None else Fingerprint(content=content, settings=settings)


def _stat(size: Any, mtime_ns: Any, inode: Any, ctime_ns: Any) -> Stat | None:
    if size is None:
        return None
    return Stat(size, mtime_ns, true_inode(inode), NO_CTIME if ctime_ns is None else ctime_ns)


def _fingerprint_values(fingerprint: Fingerprint | None) -> dict[str, Value]:
    if fingerprint is None:
        return {"content": None, "settings": None}
    return {"content": fingerprint.content, "settings": fingerprint.settings}


ENTRY = columns(
    ENTRIES,
    *("mirror", "path", "document_id", "document_name", "state", "size", "mtime_ns", "inode"),
    *("content", "settings", "metadata_hash", "rev", "word_count", "batch", "superseded"),
    *("reason_code", "reason_text", "failures", "retry_at", "ctime_ns"),
    *("sent_at", "progress_at", "stale_code", "stale_text", "encoding", "progress"),
    *("profile", "source_content", "metadata", "trashed_at", "expires_at", "chunks"),
)


def entry_of(row: Row) -> LedgerEntry:
    """Read a row of the columns `ENTRY`."""
    # Any, here and below: the declaration of the columns says which type each cell has.
    cells: tuple[Any, ...] = row
    return LedgerEntry(
        key=DocKey(mirror=cells[0], path=cells[1]),
        document_id=cells[2],
        document_name=cells[3],
        state=EntryState(cells[4]),
        stat=_stat(cells[5], cells[6], cells[7], cells[19]),
        fingerprint=_fingerprint(*cells[8:10]),
        metadata_hash=cells[10],
        rev=cells[11],
        word_count=cells[12],
        batch=cells[13],
        superseded=cells[14],
        reason=None if cells[15] is None else (cells[15], cells[16]),
        failures=cells[17],
        retry_at=cells[18],
        sent_at=cells[20],
        progress_at=cells[21],
        stale=None if cells[22] is None else (cells[22], cells[23]),
        encoding=cells[24],
        progress=cells[25],
        profile=cells[26] or "",
        source=cells[27],
        metadata=json.loads(cells[28]) if cells[28] else {},
        trashed_at=cells[29],
        expires_at=cells[30],
        chunks=cells[31],
    )


def entry_values(entry: LedgerEntry) -> dict[str, Value]:
    """Return the columns of an entry, all but its base."""
    code, sentence = entry.reason or (None, None)
    stale_code, stale_text = entry.stale or (None, None)
    return {
        "mirror": entry.key.mirror,
        "path": entry.key.path,
        "document_id": entry.document_id,
        "document_name": stored(entry.document_name),
        "state": entry.state.value,
        **stat_values(entry.stat),
        **_fingerprint_values(entry.fingerprint),
        "metadata_hash": entry.metadata_hash,
        "rev": _text(entry.rev),
        "word_count": _count(entry.word_count),
        "batch": _text(entry.batch),
        "superseded": entry.superseded,
        "reason_code": code,
        "reason_text": _text(sentence),
        "failures": entry.failures,
        "retry_at": entry.retry_at,
        "sent_at": entry.sent_at,
        "progress_at": entry.progress_at,
        "stale_code": stale_code,
        "stale_text": _text(stale_text),
        "encoding": entry.encoding,
        "progress": _count(entry.progress),
        "profile": entry.profile or None,
        "source_content": entry.source,
        "metadata": json.dumps(dict(entry.metadata)) if entry.metadata else None,
        "trashed_at": entry.trashed_at,
        "expires_at": entry.expires_at,
        "chunks": entry.chunks,
    }


INTENT = columns(
    INTENTS,
    *("mirror", "path", "op", "name", "document_id", "content", "settings"),
    *("size", "mtime_ns", "inode", "ids_seen", "rev_before", "started_at", "attempt"),
    "ctime_ns",
)


def intent_of(row: Row) -> Intent:
    """Read a row of the columns `INTENT`."""
    cells: tuple[Any, ...] = row
    return Intent(
        key=DocKey(mirror=cells[0], path=cells[1]),
        op=Op(cells[2]),
        name=cells[3],
        document_id=cells[4],
        fingerprint=_fingerprint(*cells[5:7]),
        stat=_stat(cells[7], cells[8], cells[9], cells[14]),
        ids_seen=frozenset(json.loads(cells[10])),
        rev_before=cells[11],
        started_at=cells[12],
        attempt=cells[13],
    )


def intent_values(intent: Intent) -> dict[str, Value]:
    """Return the columns of an intent."""
    return {
        "mirror": intent.key.mirror,
        "path": intent.key.path,
        "op": intent.op.value,
        "name": stored(intent.name),
        "document_id": intent.document_id,
        **_fingerprint_values(intent.fingerprint),
        **stat_values(intent.stat),
        "ids_seen": json.dumps(sorted(intent.ids_seen)),
        "rev_before": _text(intent.rev_before),
        "started_at": intent.started_at,
        "attempt": intent.attempt,
    }


REJECTION = columns(
    REJECTIONS,
    *("mirror", "path", "content", "settings", "reason_code", "reason_text", "at"),
    *("size", "mtime_ns", "inode", "ctime_ns"),
)


def rejection_of(row: Row) -> Rejection:
    """Read a row of the columns `REJECTION`."""
    cells: tuple[Any, ...] = row
    return Rejection(
        key=DocKey(mirror=cells[0], path=cells[1]),
        fingerprint=Fingerprint(content=cells[2], settings=cells[3]),
        reason=(cells[4], cells[5]),
        at=cells[6],
        stat=_stat(*cells[7:11]),
    )


def rejection_values(rejection: Rejection) -> dict[str, Value]:
    """Return the columns of a rejection."""
    code, sentence = rejection.reason
    return {
        "mirror": rejection.key.mirror,
        "path": rejection.key.path,
        **_fingerprint_values(rejection.fingerprint),
        "reason_code": code,
        "reason_text": stored(sentence),
        "at": rejection.at,
        **stat_values(rejection.stat),
    }


LINE = columns(
    JOURNAL,
    *("id", "at", "mirror", "path", "action", "document_id", "outcome", "milliseconds", "detail"),
)


def line_of(row: Row) -> tuple[int, JournalLine]:
    """Read a row of the columns `LINE`: its number and what it says."""
    cells: tuple[Any, ...] = row
    names = ("at", "mirror", "path", "action", "document_id", "outcome", "milliseconds", "detail")
    return cells[0], JournalLine(**dict(zip(names, cells[1:], strict=True)))


def line_values(line: JournalLine) -> dict[str, Value]:
    """Return the columns of a journal line."""
    return {
        "at": line.at,
        "mirror": stored(line.mirror),
        "path": stored(line.path),
        "action": line.action,
        "document_id": _text(line.document_id),
        "outcome": stored(line.outcome),
        "milliseconds": _count(line.milliseconds),
        "detail": stored(line.detail),
    }


BINDING = columns(
    BINDINGS, "mirror", "server", "base_id", "base_name", "source", "device", "settings"
)


def binding_of(row: Row) -> Binding:
    """Read a row of the columns `BINDING`."""
    cells: tuple[Any, ...] = row
    return Binding(
        mirror=cells[0],
        server=cells[1],
        base_id=cells[2],
        base_name=cells[3],
        source=cells[4],
        device=None if cells[5] is None else true_inode(cells[5]),
        settings=cells[6],
    )


def binding_values(binding: Binding) -> dict[str, Value]:
    """Return the columns of a binding."""
    return {
        "mirror": binding.mirror,
        "server": stored(binding.server),
        "base_id": binding.base_id,
        "base_name": stored(binding.base_name),
        "source": stored(binding.source),
        "device": None if binding.device is None else stored_inode(binding.device),
        "settings": binding.settings,
    }


OWNERSHIP = columns(MIRRORS, "owner_token", "owner_predecessors", "owner_whole")


def ownership_of(row: Row) -> Ownership:
    """Read a row of the columns `OWNERSHIP`."""
    cells: tuple[Any, ...] = row
    return Ownership(
        token=cells[0], predecessors=frozenset(json.loads(cells[1])), whole=bool(cells[2])
    )


def ownership_values(ownership: Ownership) -> dict[str, Value]:
    """Return the columns of an ownership."""
    return {
        "owner_token": ownership.token,
        "owner_predecessors": json.dumps(sorted(ownership.predecessors)),
        "owner_whole": ownership.whole,
    }


REHASH = columns(MIRRORS, "rehash_after", "rehash_since")


def rehash_of(row: Row) -> Rehash:
    """Read a row of the columns `REHASH`."""
    cells: tuple[Any, ...] = row
    return Rehash(after=cells[0], since=cells[1])


def rehash_values(rehash: Rehash) -> dict[str, Value]:
    """Return the columns of a rolling re-hash."""
    return {"rehash_after": rehash.after, "rehash_since": rehash.since}


HELD_CREATES = columns(MIRRORS, "creates_code", "creates_text", "creates_since", "creates_probe_at")


def held_creates_of(row: Row) -> HeldCreates:
    """Read a row of the columns `HELD_CREATES`."""
    cells: tuple[Any, ...] = row
    return HeldCreates(reason=(cells[0], cells[1]), since=cells[2], probe_at=cells[3])


def held_creates_values(held: HeldCreates | None) -> dict[str, Value]:
    """Return the columns of held creates, all empty for None."""
    if held is None:
        return {column.name: None for column in HELD_CREATES}
    return {
        "creates_code": held.reason[0],
        "creates_text": stored(held.reason[1]),
        "creates_since": held.since,
        "creates_probe_at": held.probe_at,
    }


HELD_BACK = columns(MIRRORS, "held_digest", "held_changes", "held_reasons")


def held_back_of(row: Row) -> HeldBack:
    """Read a row of the columns `HELD_BACK`."""
    cells: tuple[Any, ...] = row
    reasons = tuple((code, text) for code, text in json.loads(cells[2]))
    return HeldBack(digest=cells[0], changes=cells[1], reasons=reasons)


def held_back_values(held: HeldBack | None) -> dict[str, Value]:
    """Return the columns of what is held back, all empty for None."""
    if held is None:
        return {column.name: None for column in HELD_BACK}
    return {
        "held_digest": held.digest,
        "held_changes": held.changes,
        "held_reasons": json.dumps(held.reasons),
    }


LISTING = columns(LISTINGS, "started_at", "complete", "documents")


def listing_of(row: Row) -> ObservedListing:
    """Read a row of the columns `LISTING`."""
    cells: tuple[Any, ...] = row
    return ObservedListing(started_at=cells[0], complete=bool(cells[1]), documents=cells[2])


DOCUMENT = columns(
    LISTED,
    *("document_id", "name", "rev", "word_count", "readiness", "size", "metadata", "error"),
    "enabled",
)


def document_of(row: Row) -> RemoteDocument:
    """Read a row of the columns `DOCUMENT`."""
    cells: tuple[Any, ...] = row
    return RemoteDocument(
        id=cells[0],
        name=cells[1],
        rev=cells[2],
        word_count=cells[3],
        readiness=Readiness(cells[4]),
        size=cells[5],
        metadata=json.loads(cells[6]),
        error=cells[7],
        enabled=bool(cells[8]),
    )


def document_values(base_id: str, document: RemoteDocument) -> dict[str, Value]:
    """Return the columns of a listed document, with its mark as far as it has one."""
    # Marks can be written by hand: text that no database can keep names no path of ours.
    mark = [document.metadata.get(f"kbsync_{field}") for field in ("mirror", "path", "rev")]
    mirror, path, rev = (text if text and storable(text) else None for text in mark)
    return {
        "base_id": base_id,
        "document_id": stored(document.id),
        "name": stored(document.name),
        "rev": stored(document.rev),
        "word_count": _count(document.word_count),
        "readiness": document.readiness.value,
        "enabled": document.enabled,
        "size": _count(document.size),
        "metadata": json.dumps(dict(document.metadata)),
        "error": _text(document.error),
        "mark_mirror": mirror,
        "mark_path": path,
        "mark_rev": rev,
        "mark_hash": values_hash(document.metadata) if is_marked(document) else None,
    }


CAPABILITIES = columns(SERVERS, "version", "seen")


def capabilities_of(row: Row) -> Capabilities:
    """Read a row of the columns `CAPABILITIES`."""
    cells: tuple[Any, ...] = row
    return noted(cells[0], json.loads(cells[1]).items())


def capabilities_values(known: Capabilities) -> dict[str, Value]:
    """Return the columns of capabilities."""
    seen = {capability.value: able for capability, able in known.seen}
    return {"version": known.version, "seen": json.dumps(seen, sort_keys=True)}
