"""One search that has to find a document, and one that must not: is the base what it says?"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePosixPath

from kbsync.cli.api.outcome import notice_of
from kbsync.cli.api.workflows import retrieve
from kbsync.dify.client import DifyClient
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice
from kbsync.messages import doctor as say
from kbsync.model import Binding, Capability, Done, LedgerEntry

TOP = 20
LONGEST = 200
HISTORY = 1000


async def probe(api: DifyClient, ledger: LedgerStore, binding: Binding) -> AsyncIterator[Notice]:
    """Yield whether a document in step is found, and whether a deleted one is not.

    Nothing on a server without a search, which `validate` and `doctor` say of it.
    """
    if api.observed.now.state(Capability.SEARCH) is False:
        return
    entry = next(iter(ledger.entries(binding.mirror, states=["synced"])), None)
    if entry is None:
        yield say.NOTHING_TO_ASK(mirror=binding.mirror)
    else:
        yield await _present(api, binding, entry)
    gone = _deleted(ledger, binding.mirror)
    if gone is not None:
        yield await _absent(api, binding, *gone)


async def _present(api: DifyClient, binding: Binding, entry: LedgerEntry) -> Notice:
    words = {"mirror": binding.mirror, "path": entry.key.path}
    chunks = await api.chunks.list(binding.base_id, entry.document_id, limit=20)
    if not isinstance(chunks, Done):
        return notice_of(chunks, "chunks", "list")
    sentence = sentence_of([chunk.content for chunk in chunks.value.rows])
    if not sentence:
        return say.NO_SENTENCE(**words)
    started = time.monotonic()
    hits = await retrieve(api, binding.base_id, sentence, top=TOP)
    if not isinstance(hits, Done):
        return notice_of(hits, "kb", "retrieve")
    if any(hit.chunk.document_id == entry.document_id for hit in hits.value):
        took = f"{(time.monotonic() - started) * 1000:.0f}"
        return say.FOUND(milliseconds=took, **words)
    return say.NOT_FOUND(top=TOP, sentence=sentence, **words)


def sentence_of(chunks: Sequence[str]) -> str:
    """Return the longest sentence of the first words of `chunks`; empty when there is none."""
    sentences = (each for chunk in chunks for each in re.split(r"(?<=[.!?。])\s|\n", chunk))
    words = (" ".join(each.split())[:LONGEST] for each in sentences)
    return max(words, key=len, default="")


def _deleted(ledger: LedgerStore, mirror: str) -> tuple[str, str] | None:
    """Return path and id of the document that was deleted last."""
    for _, line in ledger.history(mirror, limit=HISTORY):
        if line.action == "delete" and line.outcome == "done" and line.document_id:
            return line.path, line.document_id
    return None


async def _absent(api: DifyClient, binding: Binding, path: str, document_id: str) -> Notice:
    words = {"mirror": binding.mirror, "path": path}
    query = " ".join(re.split(r"[\W_]+", PurePosixPath(path).stem))[:LONGEST].strip() or path[:200]
    hits = await retrieve(api, binding.base_id, query, top=TOP)
    if not isinstance(hits, Done):
        return notice_of(hits, "kb", "retrieve")
    found = any(hit.chunk.document_id == document_id for hit in hits.value)
    return say.STILL_FOUND(**words) if found else say.DELETED(**words)
