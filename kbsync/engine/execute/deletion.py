"""Remove one document: intent, call, outcome (docs/design.md section 6)."""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.results import Result, TimedCall, after_failure, outcome_name, why_of
from kbsync.engine.observe.remote_state import is_gone
from kbsync.engine.ports import EntryChange, Keep
from kbsync.model import Ambiguous, Cause, DocKey, Done, Gone, Intent, LedgerEntry, Op


async def remove(
    world: Context,
    key: DocKey,
    document_id: str,
    *,
    name: str,
    cause: Cause,
    after: LedgerEntry | Keep | None,
) -> Result | None:
    """Remove a document of `key`.

    Args:
        name: the document's, for whoever finds the intent.
        cause: why, for the journal.
        after: what the ledger says of the key when the document is gone.

    Returns:
        None when it is gone and that is written down; otherwise what the call leads to. A 404
        is believed when it is repeated after the base answered.

    Raises:
        Problem: the key is refused, or the base is not there.
    """
    timed, ledger, base = TimedCall(world, key, "delete"), world.ledger, world.base_id or ""
    intent = Intent(
        key=key, op=Op.DELETE, name=name, document_id=document_id, started_at=world.clock.now()
    )
    ledger.commit(EntryChange(key=key, intent=intent))
    outcome = await world.remote.delete(base, document_id)
    if isinstance(outcome, Gone):
        ledger.commit(EntryChange(key=key, intent=None))
        if not await is_gone(world, document_id):
            return after_failure(world, key, "delete", outcome)
    line = timed.line(outcome_name(outcome), document_id, cause)
    if isinstance(outcome, Done | Gone):
        ledger.commit(EntryChange(key=key, entry=after, intent=None, journal=(line,)))
        ledger.unlist(base, document_id)
        return None
    if isinstance(outcome, Ambiguous):
        ledger.commit(EntryChange(key=key, journal=(line,)))
    else:
        line = replace(line, detail=why_of(outcome))
        ledger.commit(EntryChange(key=key, intent=None, journal=(line,)))
    return after_failure(world, key, "delete", outcome)
