"""A ledger that is older than its base, as a restored backup is, learns what moved since.

After a move its document's mark names the new path as soon as it was written; until then the entry
says that it has no mark. So a mark that contradicts an entry whose mark was read back is the newer
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
    world: Context, listing: ObservedListing, states: Sequence[FileState]
) -> list[FileState]:
    """Let entries follow the marks of their documents, all in one transaction.

    A document stays where the ledger has it when two claim one path, when its new path holds
    another document that stays, or when a call for one of the paths is not accounted for.

    Args:
        world: the three sides of the mirror.
        listing: the listing of this pass.
        states: the keys that may need something.

    Returns:
        The states of keys that may need something now, and are not among `states`.
    """
    _note_lost_marks(world, states)
    claims = _claims(world, states)
    while refused := _refused(world, claims, listing):
        for key in refused:
            del claims[key]
    if not claims:
        return []
    _follow(world, claims)
    more = claims.keys() - {state.key for state in states}
    return [world.mirror.source.look(key.path) for key in sorted(more)]


def _note_lost_marks(world: Context, states: Sequence[FileState]) -> None:
    """Let entries forget marks that somebody changed or took off: they are written anew."""
    changes = []
    for state in states:
        entry = world.ledger.entry(state.key)
        if entry is None or entry.metadata_hash is None:
            continue
        document = world.ledger.listed(world.base_id or "", entry.document_id)
        if document is not None and _lost_mark(entry, document):
            changes.append(EntryChange(key=state.key, entry=replace(entry, metadata_hash=None)))
    if changes:
        world.ledger.commit_all(changes)


def _lost_mark(entry: LedgerEntry, document: RemoteDocument) -> bool:
    """Whether the mark of `entry` is gone; one of another path says where the document belongs."""
    mark = mark_of(document)
    if mark is None:
        return True
    own = DocKey(mirror=mark.mirror, path=mark.path) == entry.key
    return own and values_hash(document.metadata) != entry.metadata_hash


def _follow(world: Context, claims: Claims) -> None:
    left = {origin for _, origin in claims.values()} - claims.keys()
    changes = [EntryChange(key=origin, entry=None) for origin in left]
    for key, (entry, origin) in claims.items():
        line = TimedCall(world, key, "move").line("done", entry.document_id, f"from {origin.path}")
        changes.append(EntryChange(key=key, entry=entry, journal=(line,)))
    world.ledger.commit_all(changes)


def _claims(world: Context, states: Sequence[FileState]) -> Claims:
    """Return by path which document its mark wants there, and where the ledger has it."""
    claims: Claims = {}
    contested: set[DocKey] = set()
    for state in states:
        entry = world.ledger.entry(state.key)
        if entry is None or entry.metadata_hash is None:
            continue
        document = world.ledger.listed(world.base_id or "", entry.document_id)
        mark = mark_of(document) if document else None
        if document is None or mark is None or mark.mirror != entry.key.mirror:
            continue
        if mark.path != entry.key.path:
            followed = _followed(entry, mark, document)
            contested |= {followed.key} & claims.keys()
            claims[followed.key] = followed, entry.key
    return {key: claim for key, claim in claims.items() if key not in contested}


def _followed(before: LedgerEntry, mark: Mark, document: RemoteDocument) -> LedgerEntry:
    """Return the entry that `mark` tells of its document."""
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


def _refused(world: Context, claims: Claims, listing: ObservedListing) -> list[DocKey]:
    """Return the paths whose claimants cannot have them."""
    leaving = {origin for _, origin in claims.values()}
    pending = world.ledger.intent
    return [
        key
        for key, (_, origin) in claims.items()
        if pending(key) or pending(origin) or not (key in leaving or _vacant(world, key, listing))
    ]


def _vacant(world: Context, key: DocKey, listing: ObservedListing) -> bool:
    held = world.ledger.entry(key)
    if held is None:
        return True
    listed = world.ledger.listed(world.base_id or "", held.document_id)
    return listing.complete and listed is None
