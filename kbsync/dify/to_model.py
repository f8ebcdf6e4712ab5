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
from kbsync.model import (
    Base,
    BaseSettings,
    Chunk,
    Embedding,
    Progress,
    Readiness,
    RemoteDocument,
    SearchHit,
)

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
        settings=_settings(found),
    )


def _settings(found: KnowledgeBaseRow) -> BaseSettings:
    """Return the settings a row tells; a list of another shape than known tells nothing."""
    model, provider = found.embedding_model, found.embedding_provider
    partial = found.permission == "partial_members"
    fields = _pairs(found.fields, "type")
    tags = _pairs(found.tags, "id")
    return BaseSettings(
        description=found.description,
        permission=found.permission,
        members=_texts(found.members) if partial else None,
        technique=found.technique,
        embedding=Embedding(model=model, provider=provider or "") if model else None,
        retrieval=found.retrieval or None,
        tags=None if tags is None else frozenset(tags),
        fields=fields,
    )


def _pairs(rows: object, member: str) -> Mapping[str, str] | None:
    """Return one member of each row by its name; None of what is no list of such rows."""
    if not isinstance(rows, list):
        return None
    named = [row for row in rows if isinstance(row, dict)]
    texts = [(row.get("name"), row.get(member)) for row in named]
    return {name: text for name, text in texts if isinstance(name, str) and isinstance(text, str)}


def _texts(values: object) -> frozenset[str] | None:
    if not isinstance(values, list):
        return None
    return frozenset(each for each in values if isinstance(each, str))


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
        tokens=found.tokens,
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


def changes(settings: BaseSettings) -> dict[str, object]:
    """Return what a PATCH of a knowledge base sends to set `settings` (section 3)."""
    sent: dict[str, object] = {
        "description": settings.description,
        "permission": settings.permission,
        "indexing_technique": settings.technique,
        "retrieval_model": dict(settings.retrieval) if settings.retrieval else None,
    }
    # A list of members counts only beside the permission it goes with.
    if settings.members is not None:
        sent["partial_member_list"] = [{"user_id": each} for each in sorted(settings.members)]
    # A model without the technique would be another name for the vectors that are there.
    if settings.embedding is not None and settings.technique == "high_quality":
        sent["embedding_model"] = settings.embedding.model
        sent["embedding_model_provider"] = settings.embedding.provider
    return {name: value for name, value in sent.items() if value is not None}
