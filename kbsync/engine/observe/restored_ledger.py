"""A ledger older than its base, as a restored backup is: entries follow the marks of moves.

After a move the mark names the new path as soon as it is written; until then the entry says that
its document has no mark. So a mark that contradicts an entry whose mark was read back is the newer
of the two (docs/design.md section 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import TimedCall
from kbsync.engine.ports import EntryChange, ObservedListing
from kbsync.model import (
    DocKey,
    EntryState,
    FileState,
    LedgerEntry,
    Mark,
    Readiness,
    RemoteDocument,
)
from kbsync.planning.marks import mark_of, values_hash

Claims = dict[DocKey, tuple[LedgerEntry, DocKey]]


def catch_up(
    context: Context, listing: ObservedListing, states: Sequence[FileState]
) -> list[FileState]:
    """Move entries to the paths that their documents' marks name, in one transaction.

    A document stays where the ledger has it when two claim one path, when its new path holds
    another document that stays, or when a call for one of the paths is pending.

    Args:
        context: the three sides of the mirror.
        listing: the listing of this pass.
        states: the keys that may need something.

    Returns:
        The states of keys that may need something now, and are not among `states`.
    """
    _note_lost_marks(context, states)
    claims = _claims(context, states)
    # A refused claim keeps its old path, which may refuse the next one in turn.
    while refused := _refused(context, claims, listing):
        for key in refused:
            del claims[key]
    if not claims:
        return []
    _follow(context, claims)
    more = claims.keys() - {state.key for state in states}
    return [context.mirror.source.look(key.path) for key in sorted(more)]


def _note_lost_marks(context: Context, states: Sequence[FileState]) -> None:
    """Clear the hash of marks that were changed or removed at the server, to write them again."""
    changes = []
    for state in states:
        entry = context.ledger.entry(state.key)
        if entry is None or entry.metadata_hash is None:
            continue
        document = context.ledger.listed(context.base_id or "", entry.document_id)
        if document is not None and _lost_mark(entry, document):
            changes.append(EntryChange(key=state.key, entry=replace(entry, metadata_hash=None)))
    if changes:
        context.ledger.commit_all(changes)


def _lost_mark(entry: LedgerEntry, document: RemoteDocument) -> bool:
    """Whether the mark of `entry` is gone or changed; one of another path is a move instead."""
    mark = mark_of(document)
    if mark is None:
        return True
    own = DocKey(mirror=mark.mirror, path=mark.path) == entry.key
    return own and values_hash(document.metadata) != entry.metadata_hash


def _follow(context: Context, claims: Claims) -> None:
    left = {origin for _, origin in claims.values()} - claims.keys()
    changes = [EntryChange(key=origin, entry=None) for origin in left]
    for key, (entry, origin) in claims.items():
        line = TimedCall(context, key, "move").line(
            "done", entry.document_id, f"from {origin.path}"
        )
        changes.append(EntryChange(key=key, entry=entry, journal=(line,)))
    context.ledger.commit_all(changes)


def _claims(context: Context, states: Sequence[FileState]) -> Claims:
    """Return by path the entry that a mark moves there, and the path it comes from."""
    claims: Claims = {}
    contested: set[DocKey] = set()
    for state in states:
        entry = context.ledger.entry(state.key)
        if entry is None or entry.metadata_hash is None:
            continue
        document = context.ledger.listed(context.base_id or "", entry.document_id)
        mark = mark_of(document) if document else None
        if document is None or mark is None or mark.mirror != entry.key.mirror:
            continue
        if mark.path != entry.key.path:
            followed = _followed(entry, mark, document)
            # Two marks for one path: which is newer cannot be known, so neither is followed.
            contested |= {followed.key} & claims.keys()
            claims[followed.key] = followed, entry.key
    return {key: claim for key, claim in claims.items() if key not in contested}


def _followed(before: LedgerEntry, mark: Mark, document: RemoteDocument) -> LedgerEntry:
    """Return the entry of `document` as its mark describes it."""
    done = document.readiness is Readiness.AVAILABLE and bool(document.word_count)
    return LedgerEntry(
        key=DocKey(mirror=mark.mirror, path=mark.path),
        document_id=document.id,
        document_name=document.name,
        state=EntryState.SYNCED if done else EntryState.INDEXING,
        stat=before.stat if before.fingerprint == mark.fingerprint else None,
        fingerprint=mark.fingerprint,
        metadata_hash=values_hash(document.metadata),
        rev=document.rev,
        word_count=document.word_count,
    )


def _refused(context: Context, claims: Claims, listing: ObservedListing) -> list[DocKey]:
    """Return the paths that cannot be given to their claim."""
    leaving = {origin for _, origin in claims.values()}
    pending = context.ledger.intent
    return [
        key
        for key, (_, origin) in claims.items()
        if pending(key) or pending(origin) or not (key in leaving or _vacant(context, key, listing))
    ]


def _vacant(context: Context, key: DocKey, listing: ObservedListing) -> bool:
    held = context.ledger.entry(key)
    if held is None:
        return True
    listed = context.ledger.listed(context.base_id or "", held.document_id)
    return listing.complete and listed is None
