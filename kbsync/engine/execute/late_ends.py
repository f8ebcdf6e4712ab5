"""What a task that ended late may have written over: it is searched for once more.

A task reads the keywords of its base when it begins and writes them when it ends. A document that
outlived the pass that sent it, or that was overtaken, is not waited for while others are proved:
once it is done, what was proved since it was sent may be lost again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.search_proof import prove
from kbsync.engine.ports import EntryChange
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Cause,
    Delete,
    DocKey,
    Done,
    EntryState,
    Gone,
    Hold,
    LedgerEntry,
    NotSent,
    Readiness,
    Rejected,
    RemoteDocument,
    Unauthorized,
)
from kbsync.planning.case import Case
from kbsync.planning.standstill import STILL_AFTER, Standing


def is_late(entry: LedgerEntry, *, began_at: float, now: float) -> bool:
    """Whether others may have been proved while the document of `entry` was on its way.

    Args:
        entry: of a document that is done.
        began_at: when the pool began.
        now: seconds of the ledger's clock.
    """
    sent_at = entry.sent_at  # without one it was done before, and is only proved again
    return sent_at is not None and (sent_at < began_at or now - sent_at > STILL_AFTER)


def ends(context: Context, case: Case) -> bool:
    """Whether the document of `case` ends or ended just now, and may write over others by that.

    It was on its way when its file was removed or could not be sent any more, or when an operator
    put it away.
    """
    known, entry = case.evidence.known, case.entry
    if not context.loses_keywords or entry is None or entry.state is not EntryState.INDEXING:
        return False
    return isinstance(known, RemoteDocument) and case.standing is Standing.MOVES


def ends_first(context: Context, case: Case, action: Action) -> Action:
    """Return `action`, or that the end of the document it deletes is looked for first.

    Once it is deleted, nothing says since when others may be lost by it.
    """
    known = case.evidence.known
    if not isinstance(action, Delete) or not isinstance(known, RemoteDocument):
        return action
    done = known.id == action.document_id and known.readiness is Readiness.AVAILABLE
    if not done or not ends(context, case):
        return action
    why = say.HELD_INDEXING(path=case.key.path)
    return Hold(key=case.key, row=action.row, cause=Cause.INDEXING, why=why, document_id=known.id)


@dataclass
class WrittenOver:
    """Whether searches still find what was proved, and what they do not find.

    Args:
        lost: no search finds their documents any more.
        conclusive: every search gave an answer.
    """

    lost: list[LedgerEntry] = field(default_factory=list)
    conclusive: bool = True


async def written_over(
    context: Context, late: Collection[LedgerEntry], known: Collection[DocKey], *, most: int
) -> WrittenOver:
    """Search for what was proved since the first of `late` was sent.

    Args:
        context: of the mirror; what is searched for may be of any mirror on its base.
        late: entries of documents that are done.
        known: keys that are searched for anyhow.
        most: ask for so many chunks of each.

    Raises:
        Problem: the server cannot be reached.
    """
    found = WrittenOver()
    since = min(entry.sent_at or 0.0 for entry in late)
    entries = context.ledger.proved_since(context.base_id or "", since)

    async def search(entry: LedgerEntry) -> None:
        outcome = await prove(context, entry, most=most)
        match outcome:
            case Done(value=proof) if proof.found is False:
                found.lost.append(entry)
            case Done() | Gone() | Rejected() | Unauthorized():
                pass
            case NotSent():
                refuse(context.mirror, "searching for a document", outcome)
            case _:
                found.conclusive = False

    asked = [entry for entry in entries if entry.key not in known]
    await side_by_side(asked, search, at_once=context.mirror.server.max_in_flight)
    return found


def to_prove_again(context: Context, entry: LedgerEntry) -> EntryChange | None:
    """Return that the document of `entry` is not proved any more; None when it is another now."""
    ledger = context.ledger
    now = ledger.entry(entry.key)
    if now is None or ledger.intent(entry.key) is not None or now.state is not EntryState.SYNCED:
        return None
    if (now.document_id, now.batch) != (entry.document_id, entry.batch):
        return None
    return EntryChange(key=entry.key, entry=replace(now, state=EntryState.INDEXING, sent_at=None))
