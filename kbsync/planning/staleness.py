"""Stale documents: the file is there and cannot be sent, so its document is of an earlier one."""

from __future__ import annotations

from kbsync.model import Action, Cause, Hold, Noop, Present, SetMetadata, Skipped, Switch, Unknown
from kbsync.planning.case import Case

Reason = tuple[str, str]


def staleness(case: Case, action: Action) -> Reason | None:
    """Return what an entry has to say of its document: why it is stale, None where it is not.

    Args:
        case: of a key with an entry.
        action: what was decided for it.
    """
    match action:
        case Hold(cause=Cause.STALE):
            return _reason(case)
        case Noop() | SetMetadata() | Switch() | Hold(cause=Cause.METADATA) if isinstance(
            case.local, Present
        ):
            return None
    return case.entry.stale if case.entry else None


def is_stale(action: Action) -> bool:
    """Whether `action` leaves a stale document where it is."""
    return isinstance(action, Hold) and action.cause is Cause.STALE


def _reason(case: Case) -> Reason | None:
    match case.local:
        case Skipped(why=why) | Unknown(why=why):
            return why.code, why.text
    return case.rejection.reason if case.rejection else None
