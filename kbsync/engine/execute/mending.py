"""Mends a document that no search finds, without an upload: it is disabled and enabled again.

Enabling makes a server write the keywords of a document anew. Between the two calls the document
looks like one that an operator disabled, so that an intent is committed first: whoever finds it
enables the document again.
"""

from __future__ import annotations

import enum
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import (
    Again,
    Result,
    Stopped,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.observe.remote_state import is_gone
from kbsync.engine.observe.search_proof import prove
from kbsync.engine.ports import EntryChange
from kbsync.messages import engine as say
from kbsync.model import (
    Ambiguous,
    Capability,
    Cause,
    DocKey,
    Done,
    Gone,
    Intent,
    LedgerEntry,
    NotReady,
    NotSent,
    Op,
    Outcome,
    Rejected,
    RemoteDocument,
    Throttled,
)
from kbsync.model.ledger import DISABLING, ENABLING

SOONEST, LATEST, PATIENCE = 0.05, 2.0, 20.0
LOOK_AGAIN = 5.0


class Mended(enum.Enum):
    """What became of a document that was to be mended."""

    FOUND = "searches find it"
    LOST = "searches do not find it, or nothing could be done"
    LATER = "nothing was done, and may be done later"
    PENDING = "it may be disabled, and its intent says that it is to be enabled"


async def mend(context: Context, entry: LedgerEntry, *, most: int) -> Mended:
    """Disable and enable the document of `entry`, and search for it again.

    Args:
        context: of its mirror. Nothing else is on its way to the base.
        entry: of a document that is indexed, and that searches do not find.
        most: ask for so many of its chunks.
    """
    if was_mended(entry) or Capability.SWITCH not in context.remote.capabilities:
        return Mended.LOST
    intent = _intent(context, entry)
    refused = await _disable(context, entry, intent)
    if refused is not None:
        return refused
    intent = replace(intent, attempt=ENABLING)
    context.ledger.commit(EntryChange(key=entry.key, intent=intent))
    if not isinstance(await _enable(context, entry.key, entry.document_id), Done):
        return Mended.PENDING
    context.ledger.commit(EntryChange(key=entry.key, intent=None))
    return await _searched(context, entry, most)


def was_mended(entry: LedgerEntry) -> bool:
    """Whether this very upload was disabled and enabled before: once is enough."""
    return entry.reason is not None and entry.reason[0] == say.FAILED_UNFINDABLE.code


async def enable_again(context: Context, key: DocKey, document: RemoteDocument) -> Result:
    """Enable a document that was left disabled; it is searched for afterwards.

    Raises:
        Problem: the base is not there.
    """
    outcome = await _enable(context, key, document.id)
    match outcome:
        case Done():
            context.ledger.commit(EntryChange(key=key, intent=None))
            return Again()
        case Rejected(why=why):
            values = {"path": key.path, "base": context.base_id, "document": document.id}
            return Stopped(say.LEFT_DISABLED(reason=why.text, **values))
        case Gone():  # of the document, or of a base that is away for a moment
            if not await is_gone(context, document.id, document.name):
                return after_failure(context, key, "enable", outcome)
            context.ledger.commit(EntryChange(key=key, intent=None))
            return Again()
    # A server may lock a document for ten minutes after a switch.
    return Again(context.clock.now() + LOOK_AGAIN)


def _intent(context: Context, entry: LedgerEntry) -> Intent:
    return Intent(
        key=entry.key,
        op=Op.SWITCH,
        name=entry.document_name,
        document_id=entry.document_id,
        rev_before=entry.rev,
        started_at=context.clock.now(),
        attempt=DISABLING,
    )


async def _disable(context: Context, entry: LedgerEntry, intent: Intent) -> Mended | None:
    """Disable it, and note in its entry that this was tried; None when it is disabled."""
    why = say.FAILED_UNFINDABLE(path=entry.key.path, mirror=entry.key.mirror)
    noted = replace(entry, reason=(why.code, why.text))
    context.ledger.commit(EntryChange(key=entry.key, entry=noted, intent=intent))
    outcome = await _switch(context, entry.key, entry.document_id, "disable")
    match outcome:
        case Done():
            return None
        case Ambiguous():
            return Mended.PENDING
        case NotReady() | Throttled() | NotSent() | Gone():
            context.ledger.commit(EntryChange(key=entry.key, entry=entry, intent=None))
            return Mended.LATER
    context.ledger.commit(EntryChange(key=entry.key, intent=None))
    return Mended.LOST


async def _enable(context: Context, key: DocKey, document_id: str) -> Outcome[None]:
    """Enable it; while a server is still busy with the call before, for a while."""
    ends, rest = context.clock.now() + PATIENCE, SOONEST
    while True:
        outcome = await _switch(context, key, document_id, "enable")
        if not isinstance(outcome, NotReady | NotSent) or context.clock.now() + rest > ends:
            return outcome
        await context.clock.sleep(rest)
        rest = min(LATEST, rest * 2)


async def _switch(context: Context, key: DocKey, document_id: str, action: str) -> Outcome[None]:
    timed = TimedCall(context, key, action)
    outcome = await context.remote.switch(context.base_id or "", document_id, action)
    if not isinstance(outcome, NotReady):  # asked again soon
        why = Cause.UNFINDABLE if isinstance(outcome, Done) else why_of(outcome)
        line = timed.line(outcome_name(outcome), document_id, why)
        context.ledger.commit(EntryChange(key=key, journal=(line,)))
    return outcome


async def _searched(context: Context, entry: LedgerEntry, most: int) -> Mended:
    """Search until it is found: the server writes its keywords in the background."""
    ends, rest = context.clock.now() + PATIENCE, SOONEST
    while True:
        outcome = await prove(context, entry, most=most)
        if isinstance(outcome, Done) and outcome.value.found is not False:
            return Mended.FOUND
        if context.clock.now() + rest > ends:
            return Mended.LOST
        await context.clock.sleep(rest)
        rest = min(LATEST, rest * 2)
