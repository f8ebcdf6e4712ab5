"""Renames, found by content: a document whose file is gone, and a file that would be uploaded.

Pure. `vacated` returns the document of a decided case if another path may have it; `pair` finds
the file for each (docs/design.md section 5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    Action,
    Cause,
    Create,
    Delete,
    DocKey,
    EntryState,
    LedgerEntry,
    Move,
    Present,
    Readiness,
    RemoteDocument,
    Trash,
    Update,
)
from kbsync.planning.case import Case, drifted

ROW = "M1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacated:
    """A synced document that its path does not need any more.

    Args:
        content: sha256 (hex) of what was sent.
        size: bytes of the file it was made of, before any conversion.
        now: the hashed file that stands at its path instead; None when there is none.
    """

    key: DocKey
    document_id: str
    content: str
    size: int
    now: Present | None = None


def vacated(case: Case, action: Action) -> Vacated | None:
    """Return the document that `action` would remove or overwrite, when another path may have it.

    None for one that is not exactly what its entry says: still indexing, failed, changed at the
    server, sent under other settings, or half replaced by a swap.
    """
    entry = case.entry
    if entry is None or not _intact(case, entry):
        return None
    match action, case.local:
        case Delete(cause=Cause.REMOVED) | Trash(cause=Cause.REMOVED), _:
            return _vacated(entry, None)
        case Update(cause=Cause.EDITED), Present(content=str()):
            return _vacated(entry, case.local)
    return None


def _intact(case: Case, entry: LedgerEntry) -> bool:
    known = case.evidence.known
    if entry.state is not EntryState.SYNCED or entry.superseded is not None or drifted(case):
        return False
    if isinstance(known, RemoteDocument) and known.readiness is not Readiness.AVAILABLE:
        return False
    return entry.fingerprint is not None and entry.fingerprint.settings == case.rules.settings


def _vacated(entry: LedgerEntry, now: Present | None) -> Vacated | None:
    # All empty files have one content: which one moved cannot be known.
    if entry.fingerprint is None or entry.stat is None or not entry.stat.size:
        return None
    return Vacated(
        key=entry.key,
        document_id=entry.document_id,
        content=entry.fingerprint.content,
        size=entry.stat.size,
        now=now,
    )


def worth_hashing(actions: Iterable[Action], free: Collection[Vacated]) -> Iterator[Create]:
    """Yield the creates whose files may have the content of a free document: those of its size.

    While no file was removed there are none: a path that keeps a file keeps a document, so that
    documents then change places only among files that are hashed already.
    """
    # Hashing costs a read of the whole file; a file of another size cannot be the one.
    sizes = {each.size for each in free}
    if all(each.now for each in free):
        return
    for action in actions:
        if isinstance(action, Create) and action.cause is Cause.NEW and action.stat.size in sizes:
            yield action


def pair(free: Collection[Vacated], new: Iterable[Present]) -> tuple[Move, ...]:
    """Return the moves, in key order.

    A document goes to the file of its content when each is the only one of that content: of two
    equal candidates either may have moved. A path with a file before and after takes part only
    when it gives its document away and gets another, so that no document is left over.

    Args:
        free: the documents that another path may have.
        new: hashed files that have no document yet.
    """
    files = [*new, *(each.now for each in free if each.now)]
    wanted = _unique((each.content, each) for each in files)
    given = _unique((each.content, each) for each in free)
    # Unique on both sides: two equal documents or two equal files are left to upload and delete.
    both = given.keys() & wanted.keys()
    pairs = {wanted[content].key: (given[content], wanted[content]) for content in both}
    _close(pairs, {each.key for each in free if each.now})
    return tuple(_move(*pairs[key]) for key in sorted(pairs))


def _unique(pairs: Iterable[tuple[str | None, T]]) -> dict[str, T]:
    listed = [(content, each) for content, each in pairs if content is not None]
    times = Counter(content for content, _ in listed)
    return {content: each for content, each in listed if times[content] == 1}


def _close(pairs: dict[DocKey, tuple[Vacated, Present]], staying: Collection[DocKey]) -> None:
    """Drop pairs that leave a path with a file and no document, or with two documents."""
    heirs = {document.key: key for key, (document, _) in pairs.items()}
    open_ends = [key for key in pairs if key in staying and key not in heirs]
    open_ends += [key for origin, key in heirs.items() if origin in staying and origin not in pairs]
    while open_ends:
        key = open_ends.pop()
        if key not in pairs:
            continue
        origin = pairs.pop(key)[0].key
        del heirs[origin]
        open_ends += [origin] if origin in pairs else []
        open_ends += [heirs[key]] if key in heirs else []


def _move(document: Vacated, file: Present) -> Move:
    return Move(
        key=file.key,
        row=ROW,
        cause=Cause.MOVED,
        origin=document.key,
        document_id=document.document_id,
        stat=file.stat,
    )


def with_renames(actions: Iterable[Action], moves: Sequence[Move]) -> list[Action]:
    """Return `actions` with `moves` in place of the uploads and deletions that they spare."""
    spared = {key for move in moves for key in (move.key, move.origin)}
    return [*(action for action in actions if action.key not in spared), *moves]


def chains(moves: Iterable[Move]) -> Iterator[tuple[Move, ...]]:
    """Yield the moves that have to be applied together: chains of paths, and rings of them."""
    left = {move.origin: move for move in moves}
    given = {move.key for move in left.values()}
    # A chain begins where no document arrives; what is left after all chains are rings.
    starts = [origin for origin in left if origin not in given]
    for start in [*starts, *left]:
        if start in left:
            yield tuple(_chain(start, left))


def _chain(start: DocKey, left: dict[DocKey, Move]) -> Iterator[Move]:
    while (move := left.pop(start, None)) is not None:
        yield move
        start = move.key
