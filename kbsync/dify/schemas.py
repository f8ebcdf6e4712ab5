"""The API's objects as frozen models, read from JSON by `reading.read`.

Only what is needed to use an object has to be there (mostly its id); every other member may be
missing in another version, and null counts as missing. Wrong types are refused, never converted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    RootModel,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
)
from pydantic_core import CoreSchema, core_schema

T = TypeVar("T")

# No base comes near this; a server that says more would have us read for ever.
MOST_ROWS = 1_000_000
# What every database stores as a whole number.
_LEAST, _BEYOND = -(2**63), 2**63
# Words of the API's own routes: as an id they would make a call one of another route.
_ROUTE_WORDS = frozenset({"", ".", "..", "built-in", "metadata", "status", "tags"})
_BATCH = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True)
class NullIs:
    """Null counts as `value`, as absence does."""

    value: object

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Return the schema of the annotated type, with null let in."""
        return core_schema.no_info_after_validator_function(
            lambda found: self.value if found is None else found,
            core_schema.nullable_schema(handler(source)),
        )


class _Whole:
    """A number, cut to a whole one: servers send some counts as floats."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        whole = core_schema.int_schema(ge=_LEAST, lt=_BEYOND, strict=True)
        broken = core_schema.float_schema(ge=_LEAST, lt=_BEYOND, strict=True)
        return core_schema.union_schema(
            [whole, core_schema.no_info_after_validator_function(int, broken)],
            mode="left_to_right",
            custom_error_type="whole_number",
            custom_error_message="Input should be a number that fits into 64 bits",
        )


def _no_route_word(found: str) -> str:
    if found in _ROUTE_WORDS:
        raise ValueError("an id that is a word of the API's own")
    return found


def _within_reason(found: int) -> int:
    if found > MOST_ROWS:
        raise ValueError(f"more than {MOST_ROWS}")
    return found


def _or_rows(found: object, info: ValidationInfo) -> object:
    return len(info.data.get("rows", ())) if found is None else found


def _batch(found: str | None) -> str | None:
    return found if found and _BATCH.fullmatch(found) else None


def _texts(found: object) -> object:
    """Leave out what is no text."""
    if isinstance(found, list):
        return tuple(each for each in found if isinstance(each, str))
    return found


def _model_names(found: object) -> object:
    if isinstance(found, list):
        return tuple(each.get("model") if isinstance(each, dict) else None for each in found)
    return found


Id = Annotated[str, AfterValidator(_no_route_word)]
Whole = Annotated[int, _Whole()]
# The first row that is wrong ends the reading: errors of two million would fill the memory.
Rows = Annotated[tuple[T, ...], FailFast()]


class ApiObject(BaseModel):
    """What all objects of the API have in common."""

    # Built at first use: a verb needs few of them, and each takes milliseconds.
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", defer_build=True)


class ListPage(ApiObject, Generic[T]):
    """One page of a listing. `has_more` lies (docs/dify-api.md 1.4).

    Args:
        total: counts the rows of all pages; those of this one when the server does not say.
    """

    rows: Rows[T] = Field(validation_alias="data")
    total: Annotated[Whole, AfterValidator(_within_reason), BeforeValidator(_or_rows)] = Field(
        default=None, validation_alias="total", validate_default=True
    )
    has_more: Annotated[bool, NullIs(False)] = False

    @classmethod
    def whole(cls, rows: tuple[T, ...]) -> ListPage[T]:
        """Return a page of all rows there are."""
        return cls.model_construct(rows=rows, total=len(rows), has_more=False)


class Many(ApiObject, Generic[T]):
    """A listing without pages."""

    rows: Rows[T] = Field(validation_alias=AliasChoices("data", "records"))


class One(ApiObject, Generic[T]):
    """One object in its envelope."""

    data: T


class Envelope(ApiObject):
    """What the API says when it refuses (docs/dify-api.md 1.2); one route says `error` alone."""

    code: str | None = None
    message: str | None = None
    error: object = None


class KnowledgeBaseRow(ApiObject):
    """A dataset object, from create, get, patch or a list row (docs/dify-api.md section 3).

    Args:
        embedding_available: None when the server does not say.
        created_at: epoch seconds.
    """

    id: Id
    name: str
    description: Annotated[str, NullIs("")] = ""
    provider: Annotated[str, NullIs("vendor")] = "vendor"
    permission: str | None = None
    technique: str | None = Field(default=None, validation_alias="indexing_technique")
    form: str | None = Field(default=None, validation_alias="doc_form")
    documents: Annotated[Whole, NullIs(0)] = Field(default=0, validation_alias="document_count")
    word_count: Annotated[Whole, NullIs(0)] = 0
    embedding_model: str | None = None
    embedding_provider: str | None = Field(
        default=None, validation_alias="embedding_model_provider"
    )
    embedding_available: bool | None = None
    retrieval: Annotated[Mapping[str, object], NullIs({})] = Field(
        default={}, validation_alias="retrieval_model_dict"
    )
    runtime_mode: Annotated[str, NullIs("general")] = "general"
    published: Annotated[bool, NullIs(False)] = Field(
        default=False, validation_alias="is_published", exclude=True
    )
    api_enabled: Annotated[bool, NullIs(True)] = Field(default=True, validation_alias="enable_api")
    created_at: Whole | None = None
    fields: object = Field(default=None, validation_alias="doc_metadata", exclude=True)
    tags: object = Field(default=None, exclude=True)
    members: object = Field(default=None, validation_alias="partial_member_list", exclude=True)

    @property
    def names_fields(self) -> bool:
        """Whether the server names the metadata fields of the base, or that there are none."""
        return "fields" in self.model_fields_set


BUILT_IN = "built-in"
# The source of a document that a pipeline made of a file.
FROM_PIPELINE = "local_file"


class MetadataValue(ApiObject):
    """One value on a document. Built-in fields have the id ``built-in``.

    Args:
        value: None also for what is neither text nor number.
    """

    id: str
    name: str
    type: Annotated[str, NullIs("string")] = "string"
    value: Annotated[
        str | int | float | Annotated[None, BeforeValidator(lambda found: None)],
        Field(union_mode="left_to_right"),
    ] = None


class MetadataField(ApiObject):
    """A field of a knowledge base. `count`: documents that have a value, None in create replies."""

    id: str
    name: str
    type: Annotated[str, NullIs("string")] = "string"
    count: Whole | None = None


class MetadataFields(ApiObject):
    """All fields of a knowledge base, and whether the built-in ones are shown (section 8)."""

    fields: Rows[MetadataField] = Field(validation_alias="doc_metadata")
    built_in_enabled: Annotated[bool, NullIs(False)] = Field(
        default=False, validation_alias="built_in_field_enabled"
    )


class NoField(ApiObject):
    """What a server answers that was asked to rename a field it does not have: nulls."""

    id: None = None


class RenamedField(RootModel[MetadataField | NoField]):
    """The reply to a rename."""

    model_config = ConfigDict(frozen=True, strict=True, defer_build=True)


class BuiltInField(ApiObject):
    """A field that every document has once the built-in ones are shown."""

    name: str


class BuiltInFields(ApiObject):
    """All of them."""

    fields: Rows[BuiltInField]


class UploadFile(ApiObject):
    """The file a document was made of. `size` in bytes, in characters for text uploads."""

    id: str | None = None
    size: Whole | None = None
    extension: str | None = None


class DataSource(ApiObject):
    """Where a document comes from: a list row has the file's id, a get the file (6.2, 6.3)."""

    upload_file_id: str | None = None
    upload_file: UploadFile | None = None


class Document(ApiObject):
    """A document, from a list row, an upload reply or a get (docs/dify-api.md 4.3, 6.2, 6.3).

    Args:
        word_count: None while indexing, and in a get, which does not say it.
        chunk_count: None in list rows, which do not say it.
        metadata: own and built-in values; empty until one was assigned.
    """

    id: Id
    name: str
    source: DataSource | None = Field(
        default=None, validation_alias="data_source_info", exclude=True
    )
    detail: DataSource | None = Field(
        default=None, validation_alias="data_source_detail_dict", exclude=True
    )
    source_type: str | None = Field(default=None, validation_alias="data_source_type", exclude=True)
    rule_id: str | None = Field(
        default=None, validation_alias="dataset_process_rule_id", exclude=True
    )
    rule: object = Field(default=None, validation_alias="document_process_rule", exclude=True)
    language: str | None = Field(default=None, validation_alias="doc_language", exclude=True)
    position: Whole | None = None
    display_status: str | None = None
    indexing_status: str
    error: str | None = None
    enabled: Annotated[bool, NullIs(True)] = True
    archived: Annotated[bool, NullIs(False)] = False
    word_count: Whole | None = None
    chunk_count: Whole | None = Field(default=None, validation_alias="segment_count")
    tokens: Whole | None = Field(default=None, exclude=True)
    form: str | None = Field(default=None, validation_alias="doc_form")
    created_from: str | None = None
    created_at: Whole | None = None
    metadata: Annotated[Rows[MetadataValue], NullIs(())] = Field(
        default=(), validation_alias="doc_metadata"
    )

    @property
    def rev(self) -> str:
        """Id of the upload file; of a pipeline's document its own, for that keeps its file.

        Empty for documents that are not made of files.
        """
        of_row = self.source.upload_file_id if self.source else None
        own = self.id if self.source_type == FROM_PIPELINE else ""
        return of_row or (self._file.id if self._file else None) or own

    @property
    def size(self) -> int | None:
        """Bytes for file uploads, characters for text uploads."""
        return self._file.size if self._file else None

    @property
    def extension(self) -> str | None:
        """The file's, without a dot."""
        return self._file.extension if self._file else None

    @property
    def _file(self) -> UploadFile | None:
        file = self.detail.upload_file if self.detail else None
        return file or (self.source.upload_file if self.source else None)

    @model_serializer(mode="wrap")
    def _flat(self, others: SerializerFunctionWrapHandler) -> dict[str, object]:
        file = {"rev": self.rev, "size": self.size, "extension": self.extension}
        return {"id": self.id, "name": self.name, **file, **others(self)}


class UploadReply(ApiObject):
    """The reply to a create or update (4.3). `batch`: no later call says it; None if it is none."""

    document: Document
    batch: Annotated[str | None, AfterValidator(_batch)] = None


class PipelineInput(ApiObject):
    """What a pipeline asks of whoever runs it."""

    variable: str
    required: Annotated[bool, NullIs(False)] = False


class PipelineSource(ApiObject):
    """A node a pipeline can begin at; `inputs` are only those that the node itself uses."""

    node_id: str
    datasource_type: str
    inputs: Annotated[Rows[PipelineInput], NullIs(())] = Field(
        default=(), validation_alias="user_input_variables"
    )


class PipelineSources(RootModel[Rows[PipelineSource]]):
    """All of them: a bare array."""

    model_config = ConfigDict(frozen=True, strict=True, defer_build=True)


class PipelineFile(ApiObject):
    """A file that was uploaded for a pipeline, which is no document yet."""

    id: Id


class PipelineRun(ApiObject):
    """The reply to a run: a document for each of its files."""

    documents: Rows[Document]
    batch: Annotated[str | None, AfterValidator(_batch)] = None


class FileAddress(ApiObject):
    """Where the file of a document can be had for a few minutes: whoever has it can fetch it."""

    url: str = Field(repr=False)


class Indexing(ApiObject):
    """How far one document of a batch is (docs/dify-api.md 6.1)."""

    id: str
    status: str = Field(validation_alias="indexing_status")
    error: str | None = None
    completed: Annotated[Whole, NullIs(0)] = Field(default=0, validation_alias="completed_segments")
    total: Annotated[Whole, NullIs(0)] = Field(default=0, validation_alias="total_segments")


class ChildChunk(ApiObject):
    """A child of a chunk in a hierarchical document. `type`: automatic or customized."""

    id: str
    chunk_id: Annotated[str, NullIs("")] = Field(default="", validation_alias="segment_id")
    content: str
    position: Whole | None = None
    type: Annotated[str, NullIs("automatic")] = "automatic"


class ChunkRow(ApiObject):
    """A segment. `status` ``error`` after an add means that it does not exist (section 16)."""

    id: str
    document_id: Annotated[str, NullIs("")] = ""
    position: Whole | None = None
    content: str
    answer: str | None = None
    word_count: Annotated[Whole, NullIs(0)] = 0
    keywords: Annotated[tuple[str, ...], NullIs(()), BeforeValidator(_texts)] = ()
    enabled: Annotated[bool, NullIs(True)] = True
    status: Annotated[str, NullIs("")] = ""
    error: str | None = None
    children: Annotated[Rows[ChildChunk], NullIs(())] = Field(
        default=(), validation_alias="child_chunks"
    )


class Tag(ApiObject):
    """A tag of the workspace."""

    id: str
    name: str


class TagArray(RootModel[Rows[Tag]]):
    """All tags: the one listing that is a bare array."""

    model_config = ConfigDict(frozen=True, strict=True, defer_build=True)


class FoundIn(ApiObject):
    """The document of a hit."""

    name: Annotated[str, NullIs("")] = ""


class FoundChunk(ChunkRow):
    """A segment and its document."""

    document: FoundIn | None = Field(default=None, exclude=True)


class Hit(ApiObject):
    """A record of a search. Keyword scores are always 0.0 (docs/dify-api.md section 10)."""

    chunk: FoundChunk = Field(validation_alias="segment")
    score: Annotated[float, Field(allow_inf_nan=False), NullIs(0.0)] = 0.0

    @property
    def document_name(self) -> str:
        """The document's name, empty when the server does not say it."""
        return self.chunk.document.name if self.chunk.document else ""

    @model_serializer(mode="wrap")
    def _flat(self, others: SerializerFunctionWrapHandler) -> dict[str, object]:
        members = others(self)
        return {"chunk": members["chunk"], "document_name": self.document_name, **members}


class ModelProvider(ApiObject):
    """A provider and its models of one type, verbatim as the API wants them back (section 11)."""

    provider: str
    status: Annotated[str, NullIs("")] = ""
    models: Annotated[tuple[str, ...], NullIs(()), BeforeValidator(_model_names)] = ()
