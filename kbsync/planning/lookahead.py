"""What follows an action in the same pass, where it only prepares that (docs/design.md section 7).

The guard counts these too: a document that is still being indexed is removed or embedded again in
the same pass, once the server is done with it.
"""

from __future__ import annotations

from dataclasses import replace

from kbsync.model import (
    Action,
    Cause,
    Create,
    Delete,
    EntryState,
    Hold,
    Noop,
    Present,
    Readiness,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
)
from kbsync.planning.case import Case, absent
from kbsync.planning.decide import decide


def foresee(case: Case, action: Action) -> Action | None:
    """Return what follows `action` in the same pass; None for nothing, or nothing foreseeable."""
    match action:
        case Hold(cause=Cause.INDEXING):
            follows = decide(_indexed(case))
            return None if isinstance(follows, Noop | Hold) else follows
        case Resolve():
            return _resolved(case, action)
        case Restore():
            follows = decide(_restored(case))
            return None if isinstance(follows, Noop | Hold | SetMetadata) else follows
    return None


def _indexed(case: Case) -> Case:
    """Return the case as it will be once the server is done with the document."""
    known, entry = case.evidence.known, case.entry
    if isinstance(known, RemoteDocument):
        # No word count: what the indexing will yield must not read as drift.
        done = replace(known, readiness=Readiness.AVAILABLE, word_count=None)
        case = replace(case, evidence=replace(case.evidence, known=done))
    if entry is not None and entry.state is EntryState.INDEXING:
        case = replace(case, entry=replace(entry, state=EntryState.SYNCED))
    return case


def _restored(case: Case) -> Case:
    """Return the case as it will be once the document is out of the trash."""
    known, entry = case.evidence.known, case.entry
    if isinstance(known, RemoteDocument):
        there = replace(known, readiness=Readiness.AVAILABLE)
        case = replace(case, evidence=replace(case.evidence, known=there))
    return replace(case, entry=replace(entry, state=EntryState.SYNCED)) if entry else case


def _resolved(case: Case, action: Resolve) -> Action | None:
    """Return what follows a resolved call: upload of the file, or removal of its document."""
    if isinstance(case.local, Present):
        return Create(key=case.key, row=action.row, cause=Cause.NEW, stat=case.local.stat)
    if not absent(case):
        return None
    # Either outcome of the call ends here, so the guard can count it before it is known.
    intent, entry = action.intent, case.entry
    document = intent.document_id or (entry.document_id if entry else "")
    return Delete(
        key=case.key, row=action.row, cause=Cause.REMOVED, document_id=document, name=intent.name
    )
