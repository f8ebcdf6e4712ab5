"""Row T3 of the decision table, and what puts a document into the trash (rows T5 and T20).

The trash is the ledger's: an entry whose file is gone and whose document is kept for a while,
disabled or not. Who switches or edits a document there means it: it is not deleted any more.
"""

from __future__ import annotations

from kbsync.messages import trash as say
from kbsync.model import (
    Action,
    Cause,
    Conflict,
    EntryState,
    Forget,
    LedgerEntry,
    Noop,
    Present,
    Readiness,
    RemoteDocument,
    Restore,
    Trash,
)
from kbsync.planning.answers import delete, hold, hold_operator
from kbsync.planning.case import GONE, Case, differs, entry_of, trashed


def t3_trash(case: Case) -> Action | None:
    """Return what becomes of a document in the trash."""
    known = case.evidence.known
    if not trashed(case):
        return None
    if not isinstance(case.local, Present):
        return _resting(case)
    # An archived document was put away by an operator, not by the trash.
    restorable = (Readiness.DISABLED, Readiness.AVAILABLE)
    if known is None or (isinstance(known, RemoteDocument) and known.readiness in restorable):
        document = entry_of(case).document_id
        return Restore(key=case.key, row="T3", cause=Cause.RETURNED, document_id=document)
    return None


def _resting(case: Case) -> Action:
    if case.evidence.known is GONE:
        return Forget(key=case.key, row="T3", cause=Cause.TRASH_EMPTIED)
    cause = _deletes(case)
    if cause is None or not case.rules.config.prune or not _counted(case):
        return Noop(key=case.key, row="T3")
    return _kept_there(case) or delete(case, "T3", cause, entry_of(case).document_id)


def _counted(case: Case) -> bool:
    """Whether it is known that nothing was edited there: words are told by a listing alone."""
    known = case.evidence.known
    if not isinstance(known, RemoteDocument):
        return False
    return known.word_count is not None or entry_of(case).word_count is None


def _deletes(case: Case) -> Cause | None:
    """Return why the document goes now; None while it rests."""
    if case.rules.empty_trash:
        return Cause.EMPTIED
    entry, rule = entry_of(case), case.rules.rule
    # The time that was given when it was put there, or what is declared now: the longer counts.
    ends = [entry.expires_at]
    if rule.on_delete != "delete":
        given = entry.trashed_at is not None and rule.trash_for is not None
        ends.append((entry.trashed_at or 0.0) + (rule.trash_for or 0.0) if given else None)
    over = all(end is not None and end <= case.now for end in ends)
    return Cause.EXPIRED if over else None


def _kept_there(case: Case) -> Action | None:
    """Return why a document whose time is over stays: it was used at the server since."""
    known, entry = case.evidence.known, entry_of(case)
    assert isinstance(known, RemoteDocument)  # noqa: S101 - it was counted
    # The server refuses to delete an archived document.
    if known.archived or known.readiness is Readiness.ARCHIVED:
        return hold_operator(case, "T3", known)
    values = {"path": case.key.path, "base": case.rules.base_id, "document": known.id}
    if differs(case) or known.readiness.busy:
        why = say.EDITED_THERE(**values)
        return Conflict(key=case.key, row="T3", cause=Cause.EXPIRED, why=why, document_id=known.id)
    if known.readiness is Readiness.AVAILABLE and _was_disabled(entry):
        return hold(case, "T3", Cause.OPERATOR, say.ENABLED_THERE(**values), document_id=known.id)
    return None


def _was_disabled(entry: LedgerEntry) -> bool:
    return entry.reason is not None and entry.reason[0] == say.DISABLED.code


def to_trash(case: Case, row: str, cause: Cause, document: RemoteDocument | None = None) -> Action:
    """Put a document whose file is gone into the trash.

    Args:
        case: of its key; its rule declares a trash.
        row: the row that answers.
        cause: why its file has none any more.
        document: the one that goes, where no entry has it.
    """
    rule, entry = case.rules.rule, case.entry
    disable, there = rule.on_delete == "disable", document or case.evidence.known
    # Declared to be disabled, or found so by a ledger that knows nothing of it.
    off = isinstance(there, RemoteDocument) and there.readiness is Readiness.DISABLED
    if disable and not off and not case.rules.switches:
        return hold(case, row, cause, say.CANNOT_DISABLE(path=case.key.path))
    # Who disabled an orphan is not known: time alone does not delete it.
    timed = rule.trash_for is not None and not (off and document)
    return Trash(
        key=case.key,
        row=row,
        cause=cause,
        document_id=document.id if document else entry_of(case).document_id,
        name=document.name if document else entry.document_name if entry else case.name,
        disable=disable or off,
        expires_at=case.now + (rule.trash_for or 0.0) if timed else None,
        document=document,
    )


def declares_trash(case: Case) -> bool:
    """Return whether documents of deleted files are kept for a while."""
    return case.rules.rule.on_delete != "delete"


def can_rest(case: Case) -> bool:
    """Return whether the entry's document is worth keeping: none that never could be found is."""
    known = case.evidence.known
    if not isinstance(known, RemoteDocument):  # not asked for: the ledger is believed
        return entry_of(case).state is EntryState.SYNCED
    return known.readiness in (Readiness.AVAILABLE, Readiness.DISABLED)
