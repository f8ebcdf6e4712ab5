"""Whether searches find a document that counts as synced. Changes nothing."""

from __future__ import annotations

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.search_proof import prove
from kbsync.engine.observe.verification import TRIES, Finding, Verdict, synced_entry, typed
from kbsync.messages import Notice
from kbsync.messages import remote as remote_say
from kbsync.messages import verification as say
from kbsync.model import DocKey, Done, Failure, Gone, LedgerEntry, NotReady, Rejected, SearchProof

MOST_CHUNKS = 5


async def verify_by_search(context: Context, key: DocKey) -> Finding | None:
    """Return whether searches find the document of `key`; None when it is not synced any more.

    Args:
        context: of the mirror, with its base.
        key: of a synced document.

    Raises:
        Problem: the server has no search, cannot be asked, or the base is gone.
    """
    entry = synced_entry(context, key)
    for _ in range(TRIES):
        if entry is None:
            return None
        found = entry
        finding = await _searched(context, entry)
        now = synced_entry(context, key)
        settled = now == entry and context.ledger.intent(key) is None
        if finding.verdict is Verdict.FOUND or settled:
            return finding
        entry = now
    return _finding(found, Verdict.UNREAD, say.UNSETTLED(mirror=key.mirror))


async def _searched(context: Context, entry: LedgerEntry) -> Finding:
    outcome = await prove(context, entry, most=MOST_CHUNKS)
    if not isinstance(outcome, Done):
        return _unread(context, entry, outcome)
    proof = outcome.value
    if proof.found is False:
        return _finding(entry, Verdict.UNFINDABLE, _lost(entry, proof), sent_again=True)
    return _finding(entry, Verdict.FOUND if proof.found else Verdict.UNTOLD)


def _lost(entry: LedgerEntry, proof: SearchProof) -> Notice:
    return say.UNFINDABLE(
        asked=proof.asked,
        chunks=proof.chunks,
        mirror=entry.key.mirror,
        file=typed(entry.key.path),
    )


def _unread(context: Context, entry: LedgerEntry, failure: Failure) -> Finding:
    """Return why one document could not be searched for.

    Raises:
        Problem: it is so of all of them.
    """
    match failure:
        case Rejected(why) | NotReady(why) if why.message is not remote_say.NEEDS_VERSION:
            return _finding(entry, Verdict.UNREAD, why)
        case Gone():
            words = {"document": entry.document_id, "mirror": entry.key.mirror}
            return _finding(entry, Verdict.MISSING, say.MISSING(**words))
    refuse(context.mirror, "searching for a document", failure)


def _finding(
    entry: LedgerEntry, verdict: Verdict, why: Notice | None = None, *, sent_again: bool = False
) -> Finding:
    return Finding(
        key=entry.key,
        document_id=entry.document_id,
        document_name=entry.document_name,
        verdict=verdict,
        why=why,
        sent_again=sent_again,
    )
