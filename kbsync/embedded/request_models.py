"""The JSON bodies and queries that are accepted.

Their class names and fields are part of the API: pydantic prints them in the 400 of a body that
does not fit, and a real server's are the same (docs/dify-api.md section 1.2).
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Technique = Literal["high_quality", "economy"]
BaseName = Annotated[str, Field(min_length=1, max_length=40)]
Description = Annotated[str, Field(max_length=400)]


class RequestModel(BaseModel):
    """A body or a query; what checks it is made when the first one comes."""

    model_config = ConfigDict(defer_build=True)


class Permission(str, Enum):  # noqa: UP042 - a StrEnum reads differently in error messages
    """Who may see a knowledge base."""

    ONLY_ME = "only_me"
    ALL_TEAM = "all_team_members"
    PARTIAL_TEAM = "partial_members"


class PreProcessingRule(RequestModel):
    """One cleaning step."""

    id: str
    enabled: bool


class Segmentation(RequestModel):
    """Where to cut and how long a chunk may be, in characters."""

    separator: str = "\n"
    max_tokens: int
    chunk_overlap: int = 0


class ProcessRuleDetails(RequestModel):
    """The rules of a custom or hierarchical process rule."""

    pre_processing_rules: list[PreProcessingRule] | None = None
    segmentation: Segmentation | None = None
    parent_mode: Literal["full-doc", "paragraph"] | None = None
    subchunk_segmentation: Segmentation | None = None


class ProcessRule(RequestModel):
    """How a document is cleaned and cut (section 4.5)."""

    mode: Literal["automatic", "custom", "hierarchical"]
    rules: ProcessRuleDetails | None = None


class RerankingModel(RequestModel):
    """A reranking model; there is none here."""

    reranking_provider_name: str | None = None
    reranking_model_name: str | None = None


class RetrievalModel(RequestModel):
    """How a knowledge base is searched."""

    search_method: Literal["semantic_search", "full_text_search", "hybrid_search", "keyword_search"]
    reranking_enable: bool
    reranking_model: RerankingModel | None = None
    reranking_mode: str | None = None
    top_k: int
    score_threshold_enabled: bool
    score_threshold: float | None = None
    weights: dict[str, object] | None = None


class KnowledgeConfig(RequestModel):
    """The options of an upload."""

    original_document_id: str | None = None
    duplicate: bool = True
    indexing_technique: Technique
    process_rule: ProcessRule | None = None
    retrieval_model: RetrievalModel | None = None
    summary_index_setting: dict[str, object] | None = None
    # Any text: an unknown form is stored, and its documents then fail to index.
    doc_form: str = "text_model"
    doc_language: str = "English"
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    name: str | None = None


class DatasetCreatePayload(RequestModel):
    """POST /datasets."""

    name: BaseName
    description: Description = ""
    indexing_technique: Technique | None = None
    permission: Permission | None = Permission.ONLY_ME
    external_knowledge_api_id: str | None = None
    provider: str = "vendor"
    external_knowledge_id: str | None = None
    retrieval_model: RetrievalModel | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    summary_index_setting: dict[str, object] | None = None


class DatasetUpdatePayload(RequestModel):
    """PATCH /datasets/{ds}."""

    name: BaseName | None = None
    description: Description | None = None
    indexing_technique: Technique | None = None
    permission: Permission | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None
    retrieval_model: RetrievalModel | None = None
    partial_member_list: list[dict[str, str]] | None = None


class DocumentTextCreatePayload(RequestModel):
    """POST create-by-text."""

    name: str
    text: str
    process_rule: ProcessRule | None = None
    original_document_id: str | None = None
    doc_form: str = "text_model"
    doc_language: str = "English"
    indexing_technique: str | None = None
    retrieval_model: RetrievalModel | None = None
    embedding_model: str | None = None
    embedding_model_provider: str | None = None


class DocumentTextUpdate(RequestModel):
    """POST update-by-text."""

    name: str | None = None
    text: str | None = None
    process_rule: ProcessRule | None = None
    doc_form: str = "text_model"
    doc_language: str = "English"
    retrieval_model: RetrievalModel | None = None

    @model_validator(mode="after")
    def _needs_name(self) -> Self:
        if self.text and self.name is None:
            raise ValueError("name is required when text is provided")
        return self


class SegmentCreateItemPayload(RequestModel):
    """A segment to add."""

    content: Annotated[str, Field(min_length=1)]
    answer: str | None = None
    keywords: list[str] | None = None

    @field_validator("content")
    @classmethod
    def _not_blank(cls, content: str) -> str:
        if not content.strip():
            raise ValueError("Content is empty")
        return content


class SegmentCreatePayload(RequestModel):
    """POST segments, in versions that validate it as a whole."""

    segments: Annotated[list[SegmentCreateItemPayload], Field(min_length=1)]


class SegmentUpdateArgs(RequestModel):
    """What of a segment changes."""

    content: str | None = None
    answer: str | None = None
    keywords: list[str] | None = None
    regenerate_child_chunks: bool = False
    enabled: bool | None = None


class SegmentUpdatePayload(RequestModel):
    """POST segments/{seg}."""

    segment: SegmentUpdateArgs


class ChildChunkCreatePayload(RequestModel):
    """POST child_chunks."""

    content: str


class ChildChunkUpdatePayload(RequestModel):
    """PATCH child_chunks/{id}."""

    content: str


class ChildChunkListQuery(RequestModel):
    """GET child_chunks."""

    limit: Annotated[int, Field(ge=1)] = 20
    keyword: str | None = None
    page: Annotated[int, Field(ge=1)] = 1


class MetadataArgs(RequestModel):
    """POST metadata."""

    type: Literal["string", "number", "time"]
    name: str


class MetadataUpdatePayload(RequestModel):
    """PATCH metadata/{id}."""

    name: str


class MetadataDetail(RequestModel):
    """One value of one document."""

    id: str
    name: str
    value: str | int | float | None = None


class DocumentMetadataOperation(RequestModel):
    """The values of one document."""

    document_id: str
    metadata_list: list[MetadataDetail]
    partial_update: bool = False


class MetadataOperationData(RequestModel):
    """POST documents/metadata."""

    operation_data: list[DocumentMetadataOperation]


class TagCreatePayload(RequestModel):
    """POST tags."""

    name: Annotated[str, Field(min_length=1, max_length=50)]


class TagUpdatePayload(TagCreatePayload):
    """PATCH tags."""

    tag_id: str


class TagDeletePayload(RequestModel):
    """DELETE tags."""

    tag_id: str


class TagBindingPayload(RequestModel):
    """POST tags/binding."""

    tag_ids: list[str]
    target_id: str

    @field_validator("tag_ids")
    @classmethod
    def _not_empty(cls, tag_ids: list[str]) -> list[str]:
        if not tag_ids:
            raise ValueError("Tag IDs is required.")
        return tag_ids


class TagUnbindingPayload(RequestModel):
    """POST tags/unbinding."""

    tag_id: str
    target_id: str


class HitTestingPayload(RequestModel):
    """POST retrieve."""

    query: Annotated[str, Field(max_length=250)]
    retrieval_model: dict[str, object] | None = None
    attachment_ids: list[str] | None = None


class DatasetListQuery(RequestModel):
    """GET /datasets."""

    keyword: str | None = None
    include_all: bool = False
    tag_ids: list[str] = []
