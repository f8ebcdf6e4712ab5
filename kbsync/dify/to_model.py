"""The API's objects → the types of `model`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from kbsync.dify.schemas import (
    BUILT_IN,
    ChunkRow,
    Document,
    Hit,
    Indexing,
    KnowledgeBaseRow,
    MetadataValue,
)
from kbsync.dify.unreadable import unreadable
from kbsync.engine.ports import Chunking
from kbsync.messages import Notice
from kbsync.model import Base, Chunk, Progress, Readiness, RemoteDocument, SearchHit

_DISPLAYED = {
    "queuing": Readiness.WAITING,
    "indexing": Readiness.INDEXING,
    "paused": Readiness.PAUSED,
    "error": Readiness.ERROR,
    "available": Readiness.AVAILABLE,
    "disabled": Readiness.DISABLED,
    "archived": Readiness.ARCHIVED,
}
# Every other word is a step of the work, and versions differ in them.
_INDEXED = {
    "waiting": Readiness.WAITING,
    "paused": Readiness.PAUSED,
    "error": Readiness.ERROR,
    "completed": Readiness.AVAILABLE,
}


def base(found: KnowledgeBaseRow, *, refusal: Notice | None = None) -> Base:
    """Return what a mirror needs of a knowledge base; `refusal`: why it has no use for it."""
    return Base(
        id=found.id,
        name=found.name,
        documents=found.documents,
        technique=found.technique,
        form=found.form,
        mode=_mode(found),
        refusal=refusal,
    )


def _mode(found: KnowledgeBaseRow) -> str:
    if found.provider == "external":
        return "external"
    return "pipeline" if found.runtime_mode == "rag_pipeline" else "general"


def document(found: Document) -> RemoteDocument:
    """Return a document; a get has no word count, but it is 0 where there is no chunk."""
    readiness = _readiness(found)
    words = found.word_count
    if words is None and found.chunk_count == 0 and not readiness.busy:
        words = 0
    return RemoteDocument(
        id=found.id,
        name=found.name,
        rev=found.rev,
        word_count=words,
        readiness=readiness,
        size=found.size,
        metadata=_own_values(found.metadata),
        error=found.error,
        enabled=found.enabled,
        unreadable=unreadable(found.error),
        archived=found.archived,
    )


def _readiness(found: Document) -> Readiness:
    """Return the display status; an unknown one counts as being indexed, and is left alone."""
    readiness = _DISPLAYED.get(found.display_status or "")
    if readiness is None:
        readiness = _INDEXED.get(found.indexing_status, Readiness.INDEXING)
    # An archived document in error shows `error`, but can be neither updated nor deleted.
    return Readiness.ARCHIVED if found.archived and not readiness.busy else readiness


def _own_values(values: tuple[MetadataValue, ...]) -> Mapping[str, str]:
    return {
        each.name: _text(each.value)
        for each in values
        if each.id != BUILT_IN and each.value is not None
    }


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value}"


def chunk(found: ChunkRow) -> Chunk:
    """Return a chunk; one that is not complete, or switched off, is not searched."""
    searched = found.enabled and found.status in ("", "completed")
    return Chunk(id=found.id, text=found.content, keywords=found.keywords, searched=searched)


def found_chunk(found: Hit) -> SearchHit:
    """Return what of a hit tells where it is."""
    return SearchHit(
        id=found.chunk.id,
        document_id=found.chunk.document_id,
        keywords=found.chunk.keywords,
    )


def progress(found: Indexing) -> Progress:
    """Return how far a document is. The status by batch does not know disabled or archived."""
    return Progress(
        readiness=_INDEXED.get(found.status, Readiness.INDEXING),
        completed=found.completed,
        total=found.total,
        error=found.error,
    )


def options(chunking: Chunking, *, duplicate: bool = True) -> dict[str, object]:
    """Return the ``data`` of an upload: everything said each time, nothing inherited (4.4, 4.6)."""
    sent: dict[str, object] = {
        "indexing_technique": chunking.technique,
        "process_rule": dict(chunking.process_rule),
        "doc_form": chunking.form,
        "doc_language": chunking.language,
    }
    if chunking.retrieval is not None:
        sent["retrieval_model"] = dict(chunking.retrieval)
    # A provider without a model is a 500 (docs/dify-api.md 4.4).
    if chunking.embedding_model is not None:
        sent["embedding_model"] = chunking.embedding_model
        if chunking.embedding_provider is not None:
            sent["embedding_model_provider"] = chunking.embedding_provider
    # Before 0.15.0 it has to be asked for (docs/versions.md).
    sent["duplicate"] = duplicate
    return sent
