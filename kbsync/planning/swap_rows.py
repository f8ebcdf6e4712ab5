"""Row T2 of the decision table: a document that is being replaced by another one."""

from __future__ import annotations

from kbsync.model import Action, Adopt, Cause, EntryState, Readiness, RemoteDocument, SetMetadata
from kbsync.planning.answers import delete, hold_operator
from kbsync.planning.case import GONE, Case, absent, entry_of
from kbsync.planning.marks import others_in
from kbsync.planning.upkeep import wanted_of


def t2_swap(case: Case) -> Action | None:
    """Return what becomes of the two documents; the old one goes last."""
    entry, known = case.entry, case.evidence.known
    if entry is None or entry.superseded is None:
        return None
    if known is GONE:
        return _undone(case)
    if not isinstance(known, RemoteDocument):
        return None
    failed = known.readiness is Readiness.ERROR or entry.state is EntryState.FAILED
    if failed and case.evidence.replaced is GONE and absent(case):
        return None  # it is the last one, and goes as a removal, which the guard counts
    # The replacement goes, not the original: search keeps finding the old content.
    if failed:
        # The server refuses to delete an archived document.
        if known.readiness is Readiness.ARCHIVED:
            return hold_operator(case, "T2", known)
        return delete(case, "T2", Cause.FAILED, entry.document_id)
    if entry.state is EntryState.SYNCED:
        return _superseded(case, known, entry.superseded)
    return None


def _superseded(case: Case, new: RemoteDocument, document_id: str) -> Action:
    """The new document is indexed: delete the old one, unless it is archived."""
    old = case.evidence.replaced
    if isinstance(old, RemoteDocument) and old.readiness is Readiness.ARCHIVED:
        return hold_operator(case, "T2", old)
    if isinstance(old, RemoteDocument):
        # A late upload of unknown content cannot be marked, so that nothing is carried over.
        left = left_behind(case, old, new)
        if case.rules.metadata and entry_of(case).fingerprint is None and left:
            return delete(case, "T2", Cause.FAILED, new.id)
        # Read back with its mark is what was carried over; others may have written more since.
        marked = case.metadata_hash == entry_of(case).metadata_hash
        if case.metadata_hash is not None and (left or not marked):
            return SetMetadata(key=case.key, row="T2", cause=Cause.METADATA, document_id=new.id)
    return delete(case, "T2", Cause.SUPERSEDED, document_id)


def left_behind(case: Case, old: RemoteDocument, new: RemoteDocument) -> dict[str, str]:
    """Return the values of others on `old` for fields that `new` has no value of."""
    ours = wanted_of(case).keys() | entry_of(case).metadata.keys()
    taken = ours | new.metadata.keys()
    return {name: value for name, value in others_in(old.metadata).items() if name not in taken}


def _undone(case: Case) -> Action | None:
    """The new document is gone: the old one, if it is still there, is the document again."""
    old = case.evidence.replaced
    if not isinstance(old, RemoteDocument):
        return None
    # Without a fingerprint the next step sends the file again.
    return Adopt(key=case.key, row="T2", cause=Cause.SWAP_UNDONE, document=old)


def first_the_old(case: Case, row: str) -> Action | None:
    """Delete the replaced document of a swap whose file went; None without one."""
    superseded, old = entry_of(case).superseded, case.evidence.replaced
    if superseded is None:
        return None
    # The server refuses to delete an archived document.
    if isinstance(old, RemoteDocument) and old.readiness is Readiness.ARCHIVED:
        return hold_operator(case, row, old)
    return delete(case, row, Cause.SUPERSEDED, superseded)
