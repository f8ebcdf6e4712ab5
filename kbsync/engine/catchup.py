"""A ledger that is older than its base, as a restored backup is, learns what moved since.

After a move its document's mark names the new path as soon as it was written; until then the entry
says that it has no mark. So a mark that contradicts an entry whose mark was read back is the newer
of the two (docs/design.md section 5).
"""

from __future__ import annotations

from kbsync.engine.mirror import World
from kbsync.engine.ports import Change, Listing
from kbsync.engine.step import Timed
from kbsync.model import DocKey, EntryState, LedgerEntry, Mark, Readiness, RemoteDocument
from kbsync.planning.marks import mark_of, values_hash

Claims = dict[DocKey, tuple[LedgerEntry, DocKey]]


def catch_up(world: World, listing: Listing) -> None:
    """Let entries follow the marks of their documents, all in one transaction.

    A document stays where the ledger has it when two claim one path, when its new path holds
    another document that stays, or when a call for one of the paths is not accounted for.

    Args:
        world: the three sides of the mirror.
        listing: the listing of this pass.
    """
    claims = _claims(world)
    while refused := _refused(world, claims, listing):
        for key in refused:
            del claims[key]
    left = {origin for _, origin in claims.values()} - claims.keys()
    changes = [Change(key=origin, entry=None) for origin in left]
    for key, (entry, origin) in claims.items():
        line = Timed(world, key, "move").line("done", entry.document_id, f"from {origin.path}")
        changes.append(Change(key=key, entry=entry, journal=(line,)))
    if changes:
        world.ledger.commit_all(changes)


def _claims(world: World) -> Claims:
    """Return by path which document its mark wants there, and where the ledger has it."""
    claims: Claims = {}
    contested: set[DocKey] = set()
    base_id, mirror = world.base_id or "", world.mirror.name
    for document in world.ledger.displaced(base_id, mirror):
        origin, mark = world.ledger.holder(base_id, document.id), mark_of(document)
        before = world.ledger.entry(origin) if origin else None
        if before is None or mark is None:
            continue
        entry = _followed(before, mark, document)
        if entry.key in claims:
            contested.add(entry.key)
        claims[entry.key] = entry, before.key
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


def _refused(world: World, claims: Claims, listing: Listing) -> list[DocKey]:
    """Return the paths whose claimants cannot have them."""
    leaving = {origin for _, origin in claims.values()}
    pending = world.ledger.intent
    return [
        key
        for key, (_, origin) in claims.items()
        if pending(key) or pending(origin) or not (key in leaving or _vacant(world, key, listing))
    ]


def _vacant(world: World, key: DocKey, listing: Listing) -> bool:
    held = world.ledger.entry(key)
    if held is None:
        return True
    listed = world.ledger.listed(world.base_id or "", held.document_id)
    return listing.complete and listed is None
