"""Whether the server indexes: what it does with the documents of a mirror that are under way.

Nothing is sent for that. Where nothing is under way, the journal tells how long the last took.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import anyio

from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice, moment
from kbsync.messages import doctor as say
from kbsync.model import Binding, Done, LedgerEntry, Progress

# So many are asked for, so often (seconds), for so long; a document that stood for a minute stands.
MOST, EVERY, LONGEST = 20, 0.5, 10.0
STANDS = 60.0
# So many of the last documents say how long one takes.
LAST = 50


async def indexing(api: DifyClient, ledger: LedgerStore, binding: Binding) -> Notice | None:
    """Return how the server indexes the documents of a mirror; None where it never did.

    Args:
        api: the server.
        ledger: knows what is under way.
        binding: of the mirror.
    """
    under_way = [each for each in ledger.entries(binding.mirror, states=["indexing"]) if each.batch]
    if not under_way:
        return _last(ledger, binding.mirror)
    words = {"mirror": binding.mirror, "count": len(under_way)}
    took = await _moves(DifyRemote(api), binding.base_id, under_way[:MOST])
    if took is not None:
        return say.INDEXES(seconds=f"{took:.1f}", **words)
    since = max(each.progress_at or each.sent_at or 0.0 for each in under_way)
    message = say.INDEXING_STANDS if time.time() - since > STANDS else say.INDEXING_NOT_SEEN
    return message(since=moment(since), seconds=f"{LONGEST:g}", server=binding.server, **words)


def _last(ledger: LedgerStore, mirror: str) -> Notice | None:
    spans = ledger.indexing_spans(mirror, limit=LAST)
    if not spans:
        return None
    took = statistics.median(end - start for start, end in spans)
    last = moment(max(end for _, end in spans))
    return say.INDEXED(mirror=mirror, seconds=f"{took:.1f}", count=len(spans), last=last)


async def _moves(remote: DifyRemote, base_id: str, entries: Sequence[LedgerEntry]) -> float | None:
    """Return after how many seconds anything moved; None when nothing did for a while."""
    begun = time.monotonic()
    first = await _seen(remote, base_id, entries)
    # What is done by now was done since the ledger last knew of it.
    if any(each is None or not each.readiness.busy for each in first):
        return 0.0
    while (waited := time.monotonic() - begun) < LONGEST:
        await anyio.sleep(EVERY)
        if await _seen(remote, base_id, entries) != first:
            return waited
    return None


async def _seen(
    remote: DifyRemote, base_id: str, entries: Sequence[LedgerEntry]
) -> list[Progress | None]:
    """Return how far the documents are; None for one that this upload is not about any more."""
    asked = [await remote.progress(base_id, each.document_id, each.batch or "") for each in entries]
    return [each.value if isinstance(each, Done) else None for each in asked]
