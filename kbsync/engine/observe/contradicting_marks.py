"""Marks that contradict the ledger: the ledger is older than its base, or a mark landed late.

After a move the mark names the new path as soon as it is written; until then the entry says that
its document has no mark. So a mark that contradicts an entry whose mark was read back is the newer
of the two, as it is after a backup was restored: entries follow such marks. Only a mark of before a
move, sent then and never answered, looks alike when it lands last. The files tell which it is:
where that of the entry stands, and none where the mark says, the entry stays. The mark of an entry
that stays is written anew (docs/design.md section 5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import TimedCall
from kbsync.engine.observe.remote_state import is_kept
from kbsync.engine.ports import EntryChange, ObservedListing
from kbsync.lazy_dataclass import dataclass
from kbsync.model import (
    DocKey,
    EntryState,
    FileState,
    LedgerEntry,
    Mark,
    Present,
    Readiness,
    RemoteDocument,
)
from kbsync.planning.case import is_gone
from kbsync.planning.marks import mark_of, values_hash

Claims = dict[DocKey, tuple[LedgerEntry, DocKey]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contradiction:
    """An entry, and the valid mark of its document that names another path.

    Args:
        state: the file of the entry.
    """

    entry: LedgerEntry
    state: FileState
    document: RemoteDocument
    mark: Mark

    @property
    def marked(self) -> DocKey:
        """The key that the mark names."""
        return DocKey(mirror=self.mark.mirror, path=self.mark.path)


def catch_up(
    context: Context, listing: ObservedListing, states: Sequence[FileState]
) -> list[FileState]:
    """Move entries to the paths that their documents' marks name, in one transaction.

    A document stays where the ledger has it when its mark landed late, when two claim one path,
    when its new path holds another document that stays, or when a call for one of the paths is
    pending.

    Args:
        context: the three sides of the mirror.
        listing: the listing of this pass.
        states: the keys that may need something.

    Returns:
        The states of keys that may need something now, and are not among `states`.
    """
    _note_lost_marks(context, states)
    contradictions = _contradictions(context, states)
    claims = _claims([each for each in contradictions if not _landed_late(context, each)])
    # A refused claim keeps its old path, which may refuse the next one in turn.
    while refused := _refused(context, claims, listing):
        for key in refused:
            del claims[key]
    leaving = {origin for _, origin in claims.values()}
    _mark_again(context, [each for each in contradictions if each.entry.key not in leaving])
    if not claims:
        return []
    _follow(context, claims)
    more = claims.keys() - {state.key for state in states}
    return [context.mirror.source.look(key.path) for key in sorted(more)]


def _note_lost_marks(context: Context, states: Sequence[FileState]) -> None:
    """Clear the hash of marks that were changed or removed at the server, to write them again."""
    changes = [
        _unmarked(entry)
        for _, entry, document in _marked(context, states)
        if _lost_mark(entry, document, context.owner)
    ]
    if changes:
        context.ledger.commit_all(changes)


def _marked(
    context: Context, states: Sequence[FileState]
) -> Iterator[tuple[FileState, LedgerEntry, RemoteDocument]]:
    """Yield the listed documents that were marked, with their entries and states."""
    for state in states:
        entry = context.ledger.entry(state.key)
        if entry is None or entry.metadata_hash is None:
            continue
        document = context.ledger.listed(context.base_id or "", entry.document_id)
        if document is not None:
            yield state, entry, document


def _lost_mark(entry: LedgerEntry, document: RemoteDocument, owner: str) -> bool:
    """Whether the mark of `entry` is gone or changed; one of another path is a contradiction."""
    mark = mark_of(document)
    if mark is None:
        return True
    if mark.mirror != entry.key.mirror:  # of before this ledger's mirror was renamed
        return bool(owner) and mark.owner == owner
    return mark.path == entry.key.path and values_hash(document.metadata) != entry.metadata_hash


def _unmarked(entry: LedgerEntry) -> EntryChange:
    return EntryChange(key=entry.key, entry=replace(entry, metadata_hash=None))


def _contradictions(context: Context, states: Sequence[FileState]) -> list[_Contradiction]:
    found = []
    for state, entry, document in _marked(context, states):
        mark = mark_of(document)
        if mark is None or mark.mirror != entry.key.mirror:
            continue
        if mark.path != entry.key.path:
            one = _Contradiction(entry=entry, state=state, document=document, mark=mark)
            found.append(one)
    return found


def _landed_late(context: Context, one: _Contradiction) -> bool:
    """Whether the files show that the entry is right, and its mark one of before a move.

    What cannot be read, or is left out by now, may stand there: it never becomes a deletion.
    """
    if one.mark.rev != one.entry.rev or is_gone(one.state):
        return False
    if not is_gone(context.mirror.source.look(one.mark.path)):
        return False
    # The newer ledger sent another document for the file that stands here.
    others = context.ledger.listed_marked(context.base_id or "", one.entry.key)
    return not any(mark_of(other) for other in others if other.id != one.document.id)


def _mark_again(context: Context, stayed: Sequence[_Contradiction]) -> None:
    """Clear the hash of marks that name another path than the file they were made of."""
    pending = context.ledger.intent
    changes = [
        _unmarked(one.entry)
        for one in stayed
        if _is_as_sent(one) and not (pending(one.entry.key) or pending(one.marked))
    ]
    if changes:
        context.ledger.commit_all(changes)


def _is_as_sent(one: _Contradiction) -> bool:
    """Whether the document is what was sent, and the file is what it was then."""
    entry, file = one.entry, one.state
    if entry.fingerprint is None or one.mark.rev != entry.rev or not isinstance(file, Present):
        return False
    known = file.content is not None
    return file.content == entry.fingerprint.content if known else file.stat == entry.stat


def _follow(context: Context, claims: Claims) -> None:
    left = {origin for _, origin in claims.values()} - claims.keys()
    changes = [EntryChange(key=origin, entry=None) for origin in left]
    for key, (entry, origin) in claims.items():
        line = TimedCall(context, key, "move").line(
            "done", entry.document_id, f"from {origin.path}"
        )
        changes.append(EntryChange(key=key, entry=entry, journal=(line,)))
    context.ledger.commit_all(changes)


def _claims(contradictions: Sequence[_Contradiction]) -> Claims:
    """Return by path the entry that a mark moves there, and the path it comes from."""
    claims: Claims = {}
    contested: set[DocKey] = set()
    for one in contradictions:
        followed = _followed(one)
        # Two marks for one path: which is newer cannot be known, so neither is followed.
        contested |= {followed.key} & claims.keys()
        claims[followed.key] = followed, one.entry.key
    return {key: claim for key, claim in claims.items() if key not in contested}


def _followed(one: _Contradiction) -> LedgerEntry:
    """Return the entry of the document as its mark describes it."""
    before, mark, document = one.entry, one.mark, one.document
    done = document.readiness is Readiness.AVAILABLE and bool(document.word_count)
    return LedgerEntry(
        key=one.marked,
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
    return listed is None and is_kept(context, listing)
