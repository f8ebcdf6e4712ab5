"""The `rules` of a mirror: settings of the files that a pattern matches."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from kbsync.config.chunking import ChunkRule, Language
from kbsync.config.encodings import Encodings
from kbsync.config.metadata_values import template_fault, why_no_field
from kbsync.config.pattern_line import fault_of, says_nothing
from kbsync.config.types import Section, lasting, not_empty, wanted


def _pattern(value: str) -> str:
    if not value.strip() or re.search(r"[\0\r\n]", value):
        raise wanted("a gitignore pattern on one line is wanted")
    if cause := fault_of(value):
        raise wanted(f"a gitignore pattern that can match is wanted; {cause}")
    if says_nothing(value):
        raise wanted("a gitignore pattern is wanted, and # begins a comment; write \\# for a name")
    return value


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.netloc or not value.isascii():
        raise wanted("the URL of a folder is wanted, such as https://docs.example/")
    if parts.query or parts.fragment or re.search(r"[\s<>\"'()]", value):
        raise wanted("a URL without ?, # and blanks is wanted, such as https://docs.example/")
    return value if value.endswith("/") else value + "/"


def _one(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Pattern = Annotated[str, AfterValidator(_pattern)]


def _field(value: str) -> str:
    if why := why_no_field(value):
        raise wanted(f"the name of a metadata field is wanted; {why}")
    return value


def _metadata_value(value: object) -> object:
    if isinstance(value, bool):  # a truth value is a number to Python
        return str(value).lower()
    if isinstance(value, str):
        if why := template_fault(value):
            raise wanted(why)
        return value
    if isinstance(value, int | float) and math.isfinite(value):
        return value
    raise wanted("text, a number or a date is wanted")


FieldName = Annotated[str, AfterValidator(_field)]
MetadataText = Annotated[
    str | int | float,
    BeforeValidator(_metadata_value, json_schema_input_type=str | int | float | bool),
]
Metadata = Mapping[FieldName, MetadataText]
FrontMatter = tuple[FieldName, ...]
Send = Literal["file", "text", "converted", "rows"]
UpdateStrategy = Literal["in_place", "swap", "chunks"]
OnDelete = Literal["delete", "disable", "keep"]
TrashTime = Annotated[float, lasting(0, 3650 * 86400)]
Url = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_base_url)]


class RuleConfig(Section):
    """What is declared of the files that one list of patterns matches; every other key is null."""

    match: Annotated[
        tuple[Pattern, ...],
        BeforeValidator(_one, json_schema_input_type=str | tuple[str, ...]),
        AfterValidator(not_empty),
    ] = Field(description="Gitignore patterns of files, relative to the source; ! takes back.")
    chunking: ChunkRule | None = Field(
        default=None, description="How these documents are cut, in place of the mirror's rule."
    )
    language: Language | None = Field(
        default=None, description="Language of these documents, in the server's words."
    )
    encoding: Encodings | None = Field(
        default=None, description="What these texts are written in that are not UTF-8."
    )
    csv: Literal["commas", "as_is"] | None = Field(
        default=None, description="Whether these CSV files are sent with commas."
    )
    send: Send | None = Field(
        default=None,
        description="How these files are sent: file, text, converted or rows.",
    )
    links: Url | None = Field(
        default=None,
        description="The URL that relative links and images of these texts are rewritten to.",
    )
    metadata: Metadata | None = Field(
        default=None,
        description="Metadata of these documents, field by field beside the mirror's.",
    )
    front_matter: FrontMatter | None = Field(
        default=None,
        description="Fields of YAML front matter that become metadata; it is left out of the text.",
    )
    enabled: bool | None = Field(
        default=None, description="Whether searches look at these documents; null: left alone."
    )
    update_strategy: UpdateStrategy | None = Field(
        default=None,
        description="How a changed file reaches its document: in_place, swap or chunks.",
    )
    on_delete: OnDelete | None = Field(
        default=None,
        description="What becomes of the documents of deleted files: delete, disable or keep.",
    )
    trash_for: TrashTime | None = Field(
        default=None,
        description="So long such a document stays in the trash; unset: the mirror's.",
    )
