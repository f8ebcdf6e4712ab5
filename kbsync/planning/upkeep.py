"""Upkeep of a document beside its chunks: its mark, its declared metadata, and its switch.

Part of row T14 and T13 of the decision table. Nothing here sends or embeds anything.
"""

from __future__ import annotations

from collections.abc import Mapping

from kbsync.messages import Notice
from kbsync.model import (
    Action,
    Cause,
    Hold,
    Noop,
    Present,
    Readiness,
    RemoteDocument,
    SetMetadata,
    Switch,
)
from kbsync.model.document_rule import MetadataValue
from kbsync.planning.case import Case, entry_of
from kbsync.planning.declared_metadata import are_stored, plain


def upkeep(case: Case, row: str) -> Action | None:
    """Return what brings mark, metadata and switch in order, one at a time; None where they are."""
    document_id = entry_of(case).document_id
    if _mark_differs(case) or _values_differ(case):
        return SetMetadata(key=case.key, row=row, cause=Cause.METADATA, document_id=document_id)
    # What is not to be found is disabled, whatever is wrong with its metadata.
    if (action := switched(case, row)) is not None:
        return action
    if (why := fault_of(case)) is not None:
        return Hold(key=case.key, row=row, cause=Cause.METADATA, why=why, document_id=document_id)
    return None


def switched(case: Case, row: str) -> Action | None:
    """Return the switch of a document that is not as declared; None where it is, or is left."""
    entry, known = entry_of(case), case.evidence.known
    if case.enabled is None:
        return None
    if isinstance(known, RemoteDocument):
        on = known.readiness is Readiness.AVAILABLE
        wanted = known.readiness in _SWITCHED and on != case.enabled
    else:  # the server was not asked: whoever carries it out looks
        wanted = known is None and entry.profile != case.profile
    if not wanted:
        return None
    return Switch(
        key=case.key,
        row=row,
        cause=Cause.SWITCHED,
        document_id=entry.document_id,
        enabled=case.enabled,
    )


_SWITCHED = (Readiness.AVAILABLE, Readiness.DISABLED)


def fault_of(case: Case) -> Notice | None:
    """Return why what is declared cannot be written, or not all of it."""
    if case.declared is None:
        return None
    return case.declared.fault or next(iter(case.declared.conflicts.values()), None)


def wanted_of(case: Case) -> Mapping[str, MetadataValue | None]:
    """Return the values a document is to have: those declared now, or those recorded."""
    if case.declared is None or case.declared.fault is not None:
        return entry_of(case).metadata
    return plain(case.declared)


def agrees(case: Case, action: Action) -> bool:
    """Return whether `action` proves that the document agrees with the profile of `case`."""
    if not isinstance(action, Noop) or not isinstance(case.local, Present) or case.entry is None:
        return False
    return case.enabled is None or isinstance(case.evidence.known, RemoteDocument)


def _mark_differs(case: Case) -> bool:
    written = entry_of(case).metadata_hash
    return case.metadata_hash is not None and written != case.metadata_hash


def _values_differ(case: Case) -> bool:
    if case.metadata_hash is None:  # documents carry nothing there
        return False
    entry, known, wanted = entry_of(case), case.evidence.known, wanted_of(case)
    if wanted != entry.metadata:
        return True
    return isinstance(known, RemoteDocument) and not are_stored(wanted, known.metadata)
