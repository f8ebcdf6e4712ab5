"""Documents that are cut into chunks here: what they should hold, and what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from kbsync.engine.context import Context
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Chunk, DocKey, Done, LedgerEntry, Stat, Unknown
from kbsync.model.document_rule import CHUNK_SEPARATOR

PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFile:
    """A file as it is cut now.

    Args:
        texts: its chunks.
        content: sha256 (hex) of what an upload would send.
        stat: of the file that was read.
        taken: what its text was taken as.
        source: sha256 (hex) of its own bytes, where it was converted.
    """

    texts: tuple[str, ...]
    content: str
    stat: Stat
    taken: str | None
    source: str | None


def as_sent(entry: LedgerEntry, there: Sequence[Chunk]) -> bool:
    """Return whether a document has exactly the chunks that were sent for it."""
    if not all(chunk.searched for chunk in there):
        return False
    texts = [chunk.text for chunk in there]
    if entry.chunks is not None:
        return digest(texts) == entry.chunks
    joined = "".join(text + CHUNK_SEPARATOR for text in texts).encode()
    sent = entry.fingerprint.content if entry.fingerprint else None
    return hashlib.sha256(joined).hexdigest() == sent


def digest(texts: Sequence[str]) -> str:
    """Return a hash of chunks in any order: servers put what is added last."""
    hashes = sorted(hashlib.sha256(text.encode()).hexdigest() for text in texts)
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def cut_file(context: Context, key: DocKey, entry: LedgerEntry | None) -> CutFile | None:
    """Return a file as it is cut now; None where it cannot be read whole."""
    with context.mirror.source.open(key.path, entry.encoding if entry else None) as payload:
        if isinstance(payload, Unknown):
            return None
        text = payload.read().decode("utf-8", "replace")
        if payload.torn() or not text.endswith(CHUNK_SEPARATOR):
            return None
        texts = tuple(each for each in text.split(CHUNK_SEPARATOR) if each.strip())
        return CutFile(
            texts=texts,
            content=payload.content,
            stat=payload.stat,
            taken=payload.taken,
            source=payload.source,
        )


async def chunks_of(context: Context, document_id: str) -> list[Chunk] | None:
    """Return all chunks of a document, None where they cannot be read."""
    found: dict[str, Chunk] = {}
    number = 1
    while True:
        outcome = await context.remote.chunks(context.base_id or "", document_id, number, rows=PAGE)
        if not isinstance(outcome, Done):
            return None
        before = len(found)
        found |= {chunk.id: chunk for chunk in outcome.value.chunks}
        if len(found) >= outcome.value.total:
            return list(found.values())
        if len(found) == before:  # a page with nothing new: the list changed meanwhile
            return None
        number += 1
