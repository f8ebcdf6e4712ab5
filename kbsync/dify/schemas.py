"""The API's objects as frozen types, and how each is read from JSON.

Only what is needed to use an object is insisted on (mostly its id); everything else may be missing
in another version. Wrong types raise `Malformed`, which the client turns into an outcome.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kbsync.dify.reading import JsonObject, Malformed, sound

T = TypeVar("T")

# Words of the API's own routes: as an id they would make a call one of another route.
_WORDS = frozenset({"", ".", "..", "built-in", "metadata", "status", "tags"})
_BATCH = re.compile(r"[0-9A-Za-z_-]{1,64}")
# No base comes near; whoever says so would have us read for ever.
MOST_ROWS = 1_000_000


def _id(json: JsonObject) -> str:
    found = json.text("id")
    if found in _WORDS:
        raise Malformed("an id is a word of the API's own")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Generic[T]):
    """One page of a listing. `total` counts all rows; `has_more` lies (docs/dify-api.md 1.4)."""

    rows: tuple[T, ...]
    total: int
    has_more: bool


def read_listing(read: Callable[[JsonObject], T]) -> Callable[[JsonObject], ListPage[T]]:
    """Return a reader of pages whose rows `read` reads."""

    def page(json: JsonObject) -> ListPage[T]:
        rows = json.listed("data", read)
        total = json.count_or_none("total")
        if total is not None and total > MOST_ROWS:
            raise Malformed(f"answer.total is beyond {MOST_ROWS}")
        return ListPage(
            rows=rows,
            total=len(rows) if total is None else total,
            has_more=json.flag("has_more", False),
        )

    return page


# -- knowledge bases -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeBaseRow:
    """A dataset object (docs/dify-api.md section 3). `created_at` in epoch seconds."""

    id: str
    name: str
    description: str
    provider: str
    permission: str | None
    technique: str | None
    form: str | None
    documents: int
    word_count: int
    embedding_model: str | None
    embedding_provider: str | None
    embedding_available: bool | None
    retrieval: Mapping[str, object]
    runtime_mode: str
    api_enabled: bool
    created_at: int | None

    @classmethod
    def read(cls, json: JsonObject) -> KnowledgeBaseRow:
        """Read one from create, get, patch or a list row."""
        known = json.raw("embedding_available")
        return cls(
            id=_id(json),
            name=json.text("name"),
            description=json.text_or_none("description") or "",
            provider=json.text_or_none("provider") or "vendor",
            permission=json.text_or_none("permission"),
            technique=json.text_or_none("indexing_technique"),
            form=json.text_or_none("doc_form"),
            documents=json.count_or_none("document_count") or 0,
            word_count=json.count_or_none("word_count") or 0,
            embedding_model=json.text_or_none("embedding_model"),
            embedding_provider=json.text_or_none("embedding_model_provider"),
            embedding_available=None if known is None else json.flag("embedding_available", False),
            retrieval=json.mapping("retrieval_model_dict"),
            runtime_mode=json.text_or_none("runtime_mode") or "general",
            api_enabled=json.flag("enable_api", True),
            created_at=json.count_or_none("created_at"),
        )


# -- metadata ------------------------------------------------------------------------------------

BUILT_IN = "built-in"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataValue:
    """One value on a document. Built-in fields have the id ``built-in``."""

    id: str
    name: str
    type: str
    value: str | float | None

    @classmethod
    def read(cls, json: JsonObject) -> MetadataValue:
        """Read one; a value that is neither text nor number counts as none."""
        value = json.raw("value")
        if isinstance(value, str):
            value = sound(value)
        return cls(
            id=json.text("id"),
            name=json.text("name"),
            type=json.text_or_none("type") or "string",
            value=value if isinstance(value, (str, int, float)) else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataField:
    """A field of a knowledge base. `count`: documents that have a value, None in create replies."""

    id: str
    name: str
    type: str
    count: int | None = None

    @classmethod
    def read(cls, json: JsonObject) -> MetadataField:
        """Read one from create, rename or the list."""
        return cls(
            id=json.text("id"),
            name=json.text("name"),
            type=json.text_or_none("type") or "string",
            count=json.count_or_none("count"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataFields:
    """All fields of a knowledge base, and whether the built-in ones are shown."""

    fields: tuple[MetadataField, ...]
    built_in_enabled: bool

    @classmethod
    def read(cls, json: JsonObject) -> MetadataFields:
        """Read the list: its rows are under ``doc_metadata`` (docs/dify-api.md section 8)."""
        return cls(
            fields=json.listed("doc_metadata", MetadataField.read),
            built_in_enabled=json.flag("built_in_field_enabled", False),
        )


# -- documents -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document, from a list row, an upload reply or a get (docs/dify-api.md 4.3, 6.2, 6.3).

    Args:
        rev: id of its upload file, empty for documents that have none.
        size: bytes for file uploads, characters for text uploads.
        word_count: None while indexing, and in a get, which does not tell it.
        chunk_count: None in list rows, which do not tell it.
        metadata: own and built-in values; empty until one was assigned.
    """

    id: str
    name: str
    rev: str
    size: int | None
    extension: str | None
    position: int | None
    display_status: str | None
    indexing_status: str
    error: str | None
    enabled: bool
    archived: bool
    word_count: int | None
    chunk_count: int | None
    form: str | None
    created_from: str | None
    created_at: int | None
    metadata: tuple[MetadataValue, ...] = ()

    @classmethod
    def read(cls, json: JsonObject) -> Document:
        """Read one in either shape of ``data_source_info``."""
        upload = _upload_file(json)
        return cls(
            id=_id(json),
            name=json.text("name"),
            rev=_rev(json, upload),
            size=None if upload is None else upload.count_or_none("size"),
            extension=None if upload is None else upload.text_or_none("extension"),
            position=json.count_or_none("position"),
            display_status=json.text_or_none("display_status"),
            indexing_status=json.text("indexing_status"),
            error=json.text_or_none("error"),
            enabled=json.flag("enabled", True),
            archived=json.flag("archived", False),
            word_count=json.count_or_none("word_count"),
            chunk_count=json.count_or_none("segment_count"),
            form=json.text_or_none("doc_form"),
            created_from=json.text_or_none("created_from"),
            created_at=json.count_or_none("created_at"),
            metadata=json.rows("doc_metadata", MetadataValue.read),
        )


def _upload_file(json: JsonObject) -> JsonObject | None:
    for key in ("data_source_detail_dict", "data_source_info"):
        source = json.within(key)
        upload = source.within("upload_file") if source else None
        if upload is not None:
            return upload
    return None


def _rev(json: JsonObject, upload: JsonObject | None) -> str:
    source = json.within("data_source_info")
    told = source.text_or_none("upload_file_id") if source else None
    return told or (upload.text_or_none("id") if upload else None) or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadReply:
    """The reply to a create or update. No later call tells the batch."""

    document: Document
    batch: str | None

    @classmethod
    def read(cls, json: JsonObject) -> UploadReply:
        """Read the reply (docs/dify-api.md 4.3)."""
        document = json.within("document")
        if document is None:
            raise Malformed("answer.document is missing")
        batch = json.text_or_none("batch") or ""
        return cls(
            document=Document.read(document), batch=batch if _BATCH.fullmatch(batch) else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing:
    """How far one document of a batch is (docs/dify-api.md 6.1)."""

    id: str
    status: str
    error: str | None
    completed: int
    total: int

    @classmethod
    def read(cls, json: JsonObject) -> Indexing:
        """Read one row of the status reply."""
        return cls(
            id=json.text("id"),
            status=json.text("indexing_status"),
            error=json.text_or_none("error"),
            completed=json.count_or_none("completed_segments") or 0,
            total=json.count_or_none("total_segments") or 0,
        )


# -- chunks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildChunk:
    """A child of a chunk in a hierarchical document. `type`: automatic or customized."""

    id: str
    chunk_id: str
    content: str
    position: int | None
    type: str

    @classmethod
    def read(cls, json: JsonObject) -> ChildChunk:
        """Read one."""
        return cls(
            id=json.text("id"),
            chunk_id=json.text_or_none("segment_id") or "",
            content=json.text("content"),
            position=json.count_or_none("position"),
            type=json.text_or_none("type") or "automatic",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRow:
    """A segment. `status` ``error`` after an add means that it does not exist (section 16)."""

    id: str
    document_id: str
    position: int | None
    content: str
    answer: str | None
    word_count: int
    keywords: tuple[str, ...]
    enabled: bool
    status: str
    error: str | None
    children: tuple[ChildChunk, ...] = field(default=())

    @classmethod
    def read(cls, json: JsonObject) -> ChunkRow:
        """Read one from the segment routes or a search record."""
        return cls(
            id=json.text("id"),
            document_id=json.text_or_none("document_id") or "",
            position=json.count_or_none("position"),
            content=json.text("content"),
            answer=json.text_or_none("answer"),
            word_count=json.count_or_none("word_count") or 0,
            keywords=json.texts("keywords"),
            enabled=json.flag("enabled", True),
            status=json.text_or_none("status") or "",
            error=json.text_or_none("error"),
            children=json.rows("child_chunks", ChildChunk.read),
        )


# -- tags, search, models ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A tag of the workspace."""

    id: str
    name: str

    @classmethod
    def read(cls, json: JsonObject) -> Tag:
        """Read one."""
        return cls(id=json.text("id"), name=json.text("name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record of a search. Keyword scores are always 0.0 (docs/dify-api.md section 10)."""

    chunk: ChunkRow
    document_name: str
    score: float

    @classmethod
    def read(cls, json: JsonObject) -> Hit:
        """Read one record."""
        segment = json.within("segment")
        if segment is None:
            raise Malformed("answer.records.segment is missing")
        document = segment.within("document")
        return cls(
            chunk=ChunkRow.read(segment),
            document_name=(document.text_or_none("name") if document else None) or "",
            score=json.number_or_none("score") or 0.0,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelProvider:
    """A provider and its models of one type, verbatim as the API wants them back."""

    provider: str
    status: str
    models: tuple[str, ...]

    @classmethod
    def read(cls, json: JsonObject) -> ModelProvider:
        """Read one row (docs/dify-api.md section 11)."""
        return cls(
            provider=json.text("provider"),
            status=json.text_or_none("status") or "",
            models=json.rows("models", lambda row: row.text("model")),
        )
