"""Remove one document: intent, call, outcome (docs/design.md section 6)."""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Result, TimedCall, after_failure, outcome_name, why_of
from kbsync.engine.observe.remote_state import is_gone
from kbsync.engine.ports import EntryChange, Unchanged
from kbsync.model import Ambiguous, Cause, DocKey, Done, Gone, Intent, LedgerEntry, Op


async def remove(
    context: Context,
    key: DocKey,
    document_id: str,
    *,
    name: str,
    cause: Cause,
    after: LedgerEntry | Unchanged | None,
) -> Result | None:
    """Remove a document of `key`.

    Args:
        name: the document's, recorded in the intent.
        cause: why, for the journal.
        after: the entry of the key once the document is gone.

    Returns:
        None when it is gone and that is recorded; otherwise what the call leads to. A 404 is
        believed when it is repeated after the base answered.

    Raises:
        Problem: the key is refused, or the base is not there.
    """
    timed, ledger, base = TimedCall(context, key, "delete"), context.ledger, context.base_id or ""
    intent = Intent(
        key=key, op=Op.DELETE, name=name, document_id=document_id, started_at=context.clock.now()
    )
    # Durable before the call: a crash from here on is found by the intent.
    await context.commits.commit(EntryChange(key=key, intent=intent))
    outcome = await context.remote.delete(base, document_id)
    # A 404 alone may come from a base that is gone.
    if isinstance(outcome, Gone):
        ledger.commit(EntryChange(key=key, intent=None))
        if not await is_gone(context, document_id, name):
            return after_failure(context, key, "delete", outcome)
    line = timed.line(outcome_name(outcome), document_id, cause)
    if isinstance(outcome, Done | Gone):
        change = EntryChange(key=key, entry=after, intent=None, journal=(line,))
        await context.commits.commit(change)
        ledger.unlist(base, document_id)
        return None
    # The intent stays: recovery looks for what the call did.
    if isinstance(outcome, Ambiguous):
        ledger.commit(EntryChange(key=key, journal=(line,)))
    else:
        line = replace(line, detail=why_of(outcome))
        ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    return after_failure(context, key, "delete", outcome)
