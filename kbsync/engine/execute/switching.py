"""Enables or disables a document because that is declared (docs/dify-api.md section 6.5)."""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import (
    Again,
    Result,
    TimedCall,
    after_failure,
    outcome_name,
    why_of,
)
from kbsync.engine.ports import EntryChange
from kbsync.messages import engine as say
from kbsync.model import Ambiguous, Done, Intent, NotReady, NotSent, Op, Outcome
from kbsync.model.declared import OFF, UNSETTLED
from kbsync.model.ledger import DECLARED
from kbsync.planning.case import Case, entry_of

# A lock that is let go at once, and one that lasts its ten minutes: six tries outlive both.
SOONEST, LATEST, PATIENCE = 0.05, 2.0, 20.0
LOOK_AGAIN = 125.0


async def switch(context: Context, case: Case, document_id: str, *, enabled: bool) -> Result:
    """Enable or disable the document of `case`, and look at it again."""
    failed = await switched(context, case, document_id, enabled=enabled)
    return failed or Again()


async def switched(
    context: Context, case: Case, document_id: str, *, enabled: bool
) -> Result | None:
    """Enable or disable the document of `case`; None when it is, else what the failure leads to.

    Raises:
        Problem: the key is refused.
    """
    key, entry = case.key, context.ledger.entry(case.key) or entry_of(case)
    word = "enable" if enabled else "disable"
    intent = Intent(
        key=key,
        op=Op.SWITCH,
        name=entry.document_name,
        document_id=document_id,
        rev_before=entry.rev,
        started_at=context.clock.now(),
        attempt=DECLARED,
    )
    # Whatever becomes of the call, the document is looked at again, and no operator disabled it.
    off = not enabled or entry.profile.endswith(OFF)
    begun = replace(entry, profile=UNSETTLED + OFF if off else UNSETTLED)
    context.ledger.commit(EntryChange(key=key, entry=begun, intent=intent))
    timed = TimedCall(context, key, word)
    outcome = await _patient(context, document_id, word)
    detail = "" if isinstance(outcome, Done) else why_of(outcome)
    line = timed.line(outcome_name(outcome), document_id, detail)
    if isinstance(outcome, Done):
        now = context.ledger.entry(key) or begun  # its mark may have been written meanwhile
        after = replace(now, profile=UNSETTLED if enabled else UNSETTLED + OFF)
        context.ledger.commit(EntryChange(key=key, entry=after, intent=None, journal=(line,)))
        return None
    kept = intent if isinstance(outcome, Ambiguous) else None
    context.ledger.commit(EntryChange(key=key, intent=kept, journal=(line,)))
    if isinstance(outcome, NotReady):
        waits = say.WAITS_FOR_SWITCH(path=key.path)
        at = context.clock.now() + LOOK_AGAIN
        return Again(at=at, ask=True, why=outcome.why, waits=waits)
    return after_failure(context, key, word, outcome)


async def _patient(context: Context, document_id: str, word: str) -> Outcome[None]:
    """Switch it; while a server is still busy with the switch before, for a while."""
    ends, rest = context.clock.now() + PATIENCE, SOONEST
    while True:
        outcome = await context.remote.switch(context.base_id or "", document_id, word)
        if not isinstance(outcome, NotReady | NotSent) or context.clock.now() + rest > ends:
            return outcome
        await context.clock.sleep(rest)
        rest = min(LATEST, rest * 2)
