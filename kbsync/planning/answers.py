"""What a row of the decision table answers: the actions, made from a case."""

from __future__ import annotations

from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Adopt,
    Cause,
    Conflict,
    Create,
    Delete,
    Fingerprint,
    Hold,
    LedgerEntry,
    Present,
    Readiness,
    RemoteDocument,
    Update,
)
from kbsync.planning.case import Case, entry_of, hash_equals, rejected
from kbsync.planning.marks import mark_of
from kbsync.planning.standstill import Standing


def hold(
    case: Case,
    row: str,
    cause: Cause,
    why: Notice,
    *,
    until: float | None = None,
    document_id: str | None = None,
) -> Hold:
    """Leave it as it is for now."""
    # Shown to people, and followed by the tracker when the hold is for indexing.
    document = document_id or (case.entry.document_id if case.entry else None)
    return Hold(key=case.key, row=row, cause=cause, why=why, until=until, document_id=document)


def hold_operator(case: Case, row: str, document: RemoteDocument) -> Hold:
    """Leave alone what an operator put away."""
    # To enable what is archived is a success that changes nothing (docs/dify-api.md section 6.5).
    archived = document.archived or document.readiness is Readiness.ARCHIVED
    why = say.HELD_OPERATOR(
        path=case.key.path,
        readiness=Readiness.ARCHIVED.value if archived else document.readiness.value,
        switch="un-archive" if archived else "enable",
        base=case.rules.base_id,
        document=document.id,
    )
    return hold(case, row, Cause.OPERATOR, why, document_id=document.id)


def is_not_waited_for(case: Case, action: Action) -> bool:
    """Return whether a document that is left as it is is not followed to its end.

    Its task is lost, or it stands still and an operator put it away.
    """
    operators = isinstance(action, Hold) and action.cause is Cause.OPERATOR
    return case.standing is Standing.LOST or operators


def hold_failed(case: Case, row: str, until: float | None) -> Hold:
    """Wait for the next try of a document that failed, or for another file."""
    entry = entry_of(case)
    reason = entry.reason[1] if entry.reason else "no reason given"
    values = {"path": case.key.path, "mirror": case.key.mirror, "reason": reason}
    if until is None and of_the_file(entry):
        return hold(case, row, Cause.RECOVER, say.HELD_UNREADABLE(**values))
    if until is None:
        return hold(case, row, Cause.RECOVER, say.HELD_FAILED(**values))
    why = say.HELD_BACK_OFF(failures=entry.failures, **values)
    return hold(case, row, Cause.RECOVER, why, until=until)


def of_the_file(entry: LedgerEntry) -> bool:
    """Return whether `entry` failed for what is in its file, and not for anything at the server."""
    return entry.reason is not None and entry.reason[0] in say.OF_THE_FILE


def conflict_name(case: Case, row: str, cause: Cause) -> Conflict:
    """Leave a foreign document of our name to a person."""
    namesake = case.evidence.namesakes[0]
    why = say.CONFLICT_FOREIGN_NAME(
        path=case.key.path,
        mirror=case.key.mirror,
        name=namesake.name,
        base=case.rules.base_id,
        document=namesake.id,
    )
    return Conflict(key=case.key, row=row, cause=cause, why=why, document_id=namesake.id)


def create(case: Case, row: str, cause: Cause) -> Action:
    """Upload a new document, unless exactly this file was refused."""
    assert isinstance(case.local, Present)  # noqa: S101 - absent and unreadable rows come first
    if rejected(case):
        return hold_rejected(case, row, cause)
    return Create(key=case.key, row=row, cause=cause, stat=case.local.stat)


def update(case: Case, row: str, cause: Cause, document_id: str) -> Action:
    """Upload over a document, unless exactly this file was refused."""
    assert isinstance(case.local, Present)  # noqa: S101 - callers checked
    if rejected(case):
        return hold_rejected(case, row, cause)
    return Update(key=case.key, row=row, cause=cause, stat=case.local.stat, document_id=document_id)


def hold_rejected(case: Case, row: str, cause: Cause) -> Hold:
    """Keep what was refused from being sent again."""
    assert case.rejection is not None  # noqa: S101 - callers checked
    reason = case.rejection.reason[1]
    why = say.HELD_REJECTED(path=case.key.path, mirror=case.key.mirror, reason=reason)
    return hold(case, row, cause, why)


def delete(case: Case, row: str, cause: Cause, document_id: str, name: str | None = None) -> Delete:
    """Delete one document."""
    named = name or (case.entry.document_name if case.entry else case.name)
    return Delete(key=case.key, row=row, cause=cause, document_id=document_id, name=named)


def prune(case: Case, row: str, cause: Cause) -> Delete:
    """Delete the document of a file that stands; amid a swap the replaced one first."""
    entry = entry_of(case)
    # One deletion a step: the entry's own goes in the next one.
    if entry.superseded is not None:
        return delete(case, row, Cause.SUPERSEDED, entry.superseded)
    return delete(case, row, cause, entry.document_id)


def take_in(case: Case, row: str, document: RemoteDocument) -> Adopt:
    """Take over a document that has no file; its mark says what it was made of."""
    mark = mark_of(document)
    fingerprint = mark.fingerprint if mark else None
    return Adopt(
        key=case.key, row=row, cause=Cause.MARK, document=document, fingerprint=fingerprint
    )


def adopt(case: Case, row: str, document: RemoteDocument) -> Adopt:
    """Take a document over; one of the same hash needs no upload."""
    assert isinstance(case.local, Present)  # noqa: S101 - callers checked
    equal = hash_equals(case.local, mark_of(document), case.rules)
    fingerprint = None
    if equal and case.local.content is not None:
        fingerprint = Fingerprint(content=case.local.content, settings=case.rules.settings)
    return Adopt(
        key=case.key,
        row=row,
        cause=Cause.MARK,
        document=document,
        fingerprint=fingerprint,
        stat=case.local.stat if equal else None,
    )
