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
        status_filter: a list obeys `status=`; else it ignores it.
        partial_update: metadata can be merged; else values are always replaced.
        chunk_pages: the list of chunks has pages; else it is whole.
        refused_characters: what a file name must not contain.
        named_refusals: a create names a wrong type and a size too large, as every update does.
        base_found_first: a missing base is a 404 even for a caller with a wrong key.
        missing_base: the words of the 400 for an upload or delete in a missing base; None: a 404.
        update_wedges: the update of a document with chunks never ends, nor does its thread.
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
    status_filter: bool = False
    partial_update: bool = False
    chunk_pages: bool = False
    refused_characters: frozenset[str] = frozenset()
    named_refusals: bool = True
    base_found_first: bool = False
    missing_base: str | None = "Dataset is not exist."
    update_wedges: bool = False


_PAGE: Final = Profile()
_V0_6: Final = replace(_PAGE, told="0.6.16", merging=Merging.ASKED)
_V0_15: Final = replace(
    _V0_6,
    told="0.15.8",
    merging=Merging.UNASKED,
    hyphens=True,
    search=True,
    named_refusals=False,
)
_V1_1: Final = replace(_V0_15, told="1.1.3", metadata=True, chunk_pages=True)
_V1_3: Final = replace(
    _V1_1,
    told="1.3.1",
    emptied=Emptied.EMPTY,
    emptied_field=Emptied.NUMBER_204,
    get_base=True,
    child_chunks=True,
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
)
_V1_12: Final = replace(_V1_10, told="1.12.1", update_wedges=True)
_V1_16: Final = replace(
    _V1_12,
    told="1.16.1",
    emptied=Emptied.EMPTY,
    emptied_base=Emptied.EMPTY,
    emptied_field=Emptied.EMPTY,
    download=True,
    refused_characters=frozenset("/\\"),
    base_found_first=False,
    update_wedges=False,
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
