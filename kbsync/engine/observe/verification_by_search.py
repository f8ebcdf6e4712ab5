"""Whether searches find a document that counts as synced. Changes nothing."""

from __future__ import annotations

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.search_proof import MOST_CHUNKS, prove
from kbsync.engine.observe.verification import Finding, Verdict, finding_of, while_settled
from kbsync.messages import Notice
from kbsync.messages import remote as remote_say
from kbsync.messages import verification as say
from kbsync.model import DocKey, Done, Failure, Gone, LedgerEntry, NotReady, Rejected, SearchProof


async def verify_by_search(context: Context, key: DocKey) -> Finding | None:
    """Return whether searches find the document of `key`; None when it is not synced any more.

    Args:
        context: of the mirror, with its base.
        key: of a synced document.

    Raises:
        Problem: the server has no search, cannot be asked, or the base is gone.
    """
    return await while_settled(context, key, _searched)


async def _searched(context: Context, entry: LedgerEntry) -> Finding:
    outcome = await prove(context, entry, most=MOST_CHUNKS)
    if not isinstance(outcome, Done):
        return _unread(context, entry, outcome)
    proof = outcome.value
    if proof.found is False:
        return finding_of(entry, Verdict.UNFINDABLE, _lost(entry, proof), sent_again=True)
    return finding_of(entry, Verdict.FOUND if proof.found else Verdict.UNCLEAR)


def _lost(entry: LedgerEntry, proof: SearchProof) -> Notice:
    return say.UNFINDABLE(
        asked=proof.asked,
        chunks=proof.chunks,
        mirror=entry.key.mirror,
        file=entry.key.path,
    )


def _unread(context: Context, entry: LedgerEntry, failure: Failure) -> Finding:
    """Return why one document could not be searched for.

    Raises:
        Problem: it is so of all of them.
    """
    match failure:
        case Rejected(why) | NotReady(why) if why.message is not remote_say.NEEDS_VERSION:
            return finding_of(entry, Verdict.UNREAD, why)
        case Gone():
            words = {"document": entry.document_id, "mirror": entry.key.mirror}
            return finding_of(entry, Verdict.MISSING, say.MISSING(**words))
    refuse(context.mirror, "searching for a document", failure)
