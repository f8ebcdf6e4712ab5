"""What observers are told: one event for each step, mark and end of indexing."""

from __future__ import annotations

from kbsync.engine.execute.marking import MarkResult
from kbsync.engine.execute.results import (
    Again,
    BackOff,
    Event,
    Finished,
    Follow,
    NeedsMark,
    Result,
    Stopped,
)
from kbsync.model import Action, EntryState, LedgerEntry
from kbsync.planning.plan import name_of, reason_of


def step_taken(action: Action, step: Result, milliseconds: int) -> Event:
    """Return what is told of `action` that led to `step`."""
    document = getattr(action, "document_id", None)
    return Event(
        key=action.key,
        action=name_of(action),
        cause=reason_of(action),
        outcome=_outcome(step),
        milliseconds=milliseconds,
        document_id=step.document_id if isinstance(step, Follow) else document,
        why=step.why if isinstance(step, Stopped | BackOff) else None,
    )


def indexed(entry: LedgerEntry) -> Event:
    """Return what is told when indexing came to an end and `entry` was settled."""
    return Event(
        key=entry.key,
        action="index",
        cause=entry.reason[1] if entry.reason else "",
        outcome="indexed" if entry.state is EntryState.SYNCED else "failed",
        milliseconds=0,
        document_id=entry.document_id,
    )


def mark_written(marked: MarkResult) -> Event:
    """Return what is told of a mark that came back, or did not."""
    return Event(
        key=marked.key,
        action="set_metadata",
        cause="metadata",
        outcome="stopped" if marked.why else "done",
        milliseconds=0,
        document_id=marked.document_id,
        why=marked.why,
    )


def _outcome(step: Result) -> str:
    match step:
        case Finished() | Follow() | NeedsMark() | Again(at=None):
            return "done"
        case Again() | BackOff():
            return "waiting"
        case Stopped():
            return "stopped"
