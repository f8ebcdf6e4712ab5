"""The versions the embedded server can play: what each knows, and how it answers.

Each profile says only what is different from the one before it; docs/dify-api.md section 18 says
where each difference was seen or read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType
from typing import Final


class UnknownVersionError(ValueError):
    """A profile that does not exist."""


class Merging(Enum):
    """What a create does with a document of the same name that is there."""

    NEVER = "a second document appears"
    ASKED = "written over when `duplicate` is sent as true, by file only"
    UNASKED = "written over unless `duplicate` is sent as false"


class Emptied(Enum):
    """How a call that has nothing to tell says so (section 1.3)."""

    OBJECT = "status 200, an object with the result"
    EMPTY = "status 204, no body"
    NUMBER_204 = "status 200, the number 204"
    NUMBER_200 = "status 200, the number 200"


# Fields by the profile that shows them first.
_BASE_0_15: Final = frozenset({"doc_form", "external_knowledge_info", "external_retrieval_model"})
_BASE_1_1: Final = frozenset({"doc_metadata", "built_in_field_enabled"})
_BASE_1_10: Final = frozenset(
    {"author_name", "pipeline_id", "runtime_mode", "chunk_structure", "icon_info", "is_published"}
    | {"total_documents", "total_available_documents", "enable_api"}
)
_BASE_1_12: Final = frozenset({"summary_index_setting", "is_multimodal"})
_BASE_1_16: Final = frozenset({"maintainer"})
_DOCUMENT_1_12: Final = frozenset({"summary_index_status", "need_summary"})
_CHUNK_0_15: Final = frozenset({"updated_at", "updated_by", "child_chunks"})
_CHUNK_1_12: Final = frozenset({"attachments", "summary"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One version; the defaults are the oldest, which knows the fourteen calls of the page.

    Args:
        told: the value of `X-Version`; None sends no such header.
        merging: what a create of a name that is taken does.
        emptied: the reply to the delete of a document or a chunk, and to binding tags.
        emptied_base: the reply to the delete of a knowledge base.
        emptied_field: the reply to the delete of a metadata field.
        assigned: the reply to an assignment of metadata, and to the built-in switch.
        hyphens: `create-by-file` and its like exist; the spelling with underscores always does.
        search: `retrieve` and `hit-testing`.
        metadata: fields and their assignment.
        base_built_in: the built-in fields are listed below a base, not below all of them.
        get_base: GET and PATCH of a knowledge base.
        child_chunks: the routes of child chunks.
        models: the list of models.
        get_chunk: GET of one chunk.
        tags: the routes of tags.
        switch: PATCH documents/status.
        get_document: GET of one document.
        file_preview: `files/{id}/preview`.
        download: `documents/{doc}/download`, and the addresses it tells.
        patch_document: PATCH of a document, a second name of `update-by-file`.
        pipelines: the routes of knowledge bases with a pipeline.
        status_filter: a list obeys `status=`; else it ignores it.
        partial_update: metadata can be merged; else values are always replaced.
        chunk_pages: the list of chunks has pages; else it is whole.
        strict_pages: a page that is no number is refused; else it counts as absent.
        least_rows: rows of a page whose limit is below 1.
        refused_characters: what a file name must not contain.
        named_refusals: a create names a wrong type and a size too large, as every update does.
        base_found_first: a missing base is a 404 even for a caller with a wrong key.
        missing_base: the words of the 400 for an upload or delete in a missing base; None: a 404.
        technique_fault: a text without a technique fails in a new base with a 500, not a 400.
        forms_known: an unknown `doc_form` is refused; else its document ends in error.
        own_chunks: a chunk is found through its own document only.
        chunk_keeps_text: a chunk changed without text keeps its own; else that is refused.
        chunks_validated: chunks to add are validated as a whole, with refusals that have no code.
        metadata_refused: a metadata write that cannot be done is refused; else it is a success.
        bare_metadata_list: rows of documents without metadata show an empty list, not null.
        found_lists: keywords, child chunks and files of what is found are a list even of none.
        spared_text: a chunk keeps leading brackets, some letters and the blanks of long pieces.
        unknown_model_type: the words of the refusal of a type of models.
        base_lacks: fields of a knowledge base that came later.
        document_lacks: fields of a document in rows and uploads that came later.
        chunk_lacks: fields of a chunk that came later.
        update_wedges: the update of a document with chunks never ends, nor does its thread.
        loses_keywords: economy bases lose what is indexed at the same time from search.
    """

    told: str | None = None
    merging: Merging = Merging.NEVER
    emptied: Emptied = Emptied.OBJECT
    emptied_base: Emptied = Emptied.EMPTY
    emptied_field: Emptied = Emptied.NUMBER_200
    assigned: Emptied = Emptied.NUMBER_200
    hyphens: bool = False
    search: bool = False
    metadata: bool = False
    base_built_in: bool = False
    get_base: bool = False
    child_chunks: bool = False
    models: bool = False
    get_chunk: bool = False
    tags: bool = False
    switch: bool = False
    get_document: bool = False
    file_preview: bool = False
    download: bool = False
    patch_document: bool = False
    pipelines: bool = False
    status_filter: bool = False
    partial_update: bool = False
    chunk_pages: bool = False
    strict_pages: bool = False
    least_rows: int = 20
    refused_characters: frozenset[str] = frozenset()
    named_refusals: bool = True
    base_found_first: bool = False
    missing_base: str | None = "Dataset is not exist."
    technique_fault: bool = False
    forms_known: bool = False
    own_chunks: bool = False
    chunk_keeps_text: bool = False
    chunks_validated: bool = False
    metadata_refused: bool = False
    bare_metadata_list: bool = False
    found_lists: bool = False
    spared_text: bool = False
    unknown_model_type: str = "invalid origin model type {}"
    base_lacks: frozenset[str] = (
        _BASE_1_16 | _BASE_1_12 | _BASE_1_10 | _BASE_1_1 | _BASE_0_15 | {"tags"}
    )
    document_lacks: frozenset[str] = _DOCUMENT_1_12 | {"doc_metadata", "data_source_detail_dict"}
    chunk_lacks: frozenset[str] = _CHUNK_1_12 | _CHUNK_0_15 | {"sign_content"}
    update_wedges: bool = False
    loses_keywords: bool = False


_PAGE: Final = Profile()
_V0_6: Final = replace(
    _PAGE,
    told="0.6.16",
    merging=Merging.ASKED,
    base_lacks=_PAGE.base_lacks - {"tags"},
    document_lacks=_PAGE.document_lacks - {"data_source_detail_dict"},
)
_V0_15: Final = replace(
    _V0_6,
    told="0.15.8",
    merging=Merging.UNASKED,
    hyphens=True,
    search=True,
    named_refusals=False,
    base_lacks=_V0_6.base_lacks - _BASE_0_15,
    chunk_lacks=_V0_6.chunk_lacks - _CHUNK_0_15,
)
_V1_1: Final = replace(
    _V0_15,
    told="1.1.3",
    metadata=True,
    chunk_pages=True,
    base_lacks=_V0_15.base_lacks - _BASE_1_1,
    document_lacks=_V0_15.document_lacks - {"doc_metadata"},
    chunk_lacks=_V0_15.chunk_lacks - {"sign_content"},
)
_V1_3: Final = replace(
    _V1_1,
    told="1.3.1",
    emptied=Emptied.EMPTY,
    emptied_field=Emptied.NUMBER_204,
    get_base=True,
    child_chunks=True,
    chunk_keeps_text=True,
    models=True,
    refused_characters=frozenset('/\\:*?"<>|'),
    missing_base="Dataset does not exist.",
)
_V1_5: Final = replace(
    _V1_3,
    told="1.5.1",
    emptied=Emptied.NUMBER_204,
    emptied_base=Emptied.NUMBER_204,
    get_chunk=True,
    tags=True,
    switch=True,
    get_document=True,
)
_V1_10: Final = replace(
    _V1_5,
    told="1.10.1",
    assigned=Emptied.OBJECT,
    base_built_in=True,
    file_preview=True,
    status_filter=True,
    partial_update=True,
    base_found_first=True,
    missing_base=None,
    base_lacks=_BASE_1_16 | _BASE_1_12,
)
_V1_12: Final = replace(
    _V1_10,
    told="1.12.1",
    strict_pages=True,
    technique_fault=True,
    base_lacks=_BASE_1_16,
    document_lacks=frozenset(),
    chunk_lacks=frozenset(),
    update_wedges=True,
)
_V1_16: Final = replace(
    _V1_12,
    told="1.16.1",
    emptied=Emptied.EMPTY,
    emptied_base=Emptied.EMPTY,
    emptied_field=Emptied.EMPTY,
    download=True,
    refused_characters=frozenset("/\\"),
    base_found_first=False,
    patch_document=True,
    pipelines=True,
    least_rows=1,
    technique_fault=False,
    forms_known=True,
    own_chunks=True,
    chunks_validated=True,
    metadata_refused=True,
    bare_metadata_list=True,
    found_lists=True,
    spared_text=True,
    unknown_model_type="'{}' is not a valid ModelType",
    base_lacks=frozenset(),
    update_wedges=False,
    loses_keywords=True,
)

NEWEST: Final = "1.16"
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "page": _PAGE,
        "0.6": _V0_6,
        "0.15": _V0_15,
        "1.1": _V1_1,
        "1.3": _V1_3,
        "1.5": _V1_5,
        "1.10": _V1_10,
        "1.12": _V1_12,
        NEWEST: _V1_16,
    }
)


def profile(name: str) -> Profile:
    """The profile of that name.

    Raises:
        UnknownVersionError: there is none.
    """
    if name not in PROFILES:
        raise UnknownVersionError(
            f"there is no version {name!r}; known are {', '.join(PROFILES)}. "
            "Next: kbsync serve --help"
        )
    return PROFILES[name]
