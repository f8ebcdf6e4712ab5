"""Chunks of documents that were sent cut, as a server keeps them: added, deleted, listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kbsync.messages import Message
from kbsync.model import Chunk, ChunkPage, Done, Gone, Outcome, Readiness, Rejected, RemoteDocument
from kbsync.model.document_rule import CHUNK_SEPARATOR

if TYPE_CHECKING:
    from .stored_document import Document

AWAY = Message("KB-R000", "not available")


def cut_up(content: bytes, ids: Iterator[int]) -> dict[str, str]:
    """Return the chunks of a text that was sent cut, each by an id of its own."""
    texts = content.decode("utf-8", "replace").split(CHUNK_SEPARATOR)
    return {f"chunk-{next(ids)}": each for each in texts[:-1]}


def joined(document: Document) -> bytes:
    """Return what the chunks of a document would be sent as, in the order they stand."""
    return "".join(text + CHUNK_SEPARATOR for text in document.cut.values()).encode()


def unordered(content: bytes) -> list[bytes]:
    """Return the chunks of a text that is sent cut, sorted: servers keep no order of them."""
    return sorted(content.split(CHUNK_SEPARATOR.encode()))


def page_of(document_id: str, cut: Mapping[str, str]) -> ChunkPage:
    """Return all chunks of a document, each found by the word that finds the document."""
    found = [Chunk(id=each, text=text, keywords=(document_id,)) for each, text in cut.items()]
    return ChunkPage(chunks=tuple(found), total=len(found))


class CutChunks:
    """The part of a knowledge base that keeps such chunks."""

    ids: Iterator[int]

    def find(self, base_id: str, document_id: str) -> Document | None:
        raise NotImplementedError

    def row(self, document: Document) -> RemoteDocument:
        raise NotImplementedError

    def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str], *, most: int | None = None
    ) -> Outcome[int]:
        """Add chunks; with `most` the rows of the others are in error."""
        document = self.find(base_id, document_id)
        if document is None:
            return Gone()
        if self.row(document).readiness is not Readiness.AVAILABLE:
            return Rejected(AWAY())
        taken = texts[:most]
        document.cut |= {f"chunk-{next(self.ids)}": each for each in taken}
        document.content = joined(document)
        return Done(len(taken))

    def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        document = self.find(base_id, document_id)
        if document is None or chunk_id not in document.cut:
            return Gone()
        del document.cut[chunk_id]
        document.content = joined(document)
        return Done(None)
