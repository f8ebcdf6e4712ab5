"""The `knowledge_base` key of a mirror: which one it fills, and how that is to be set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from kbsync.config.chunking import ChunkingSection
from kbsync.config.types import Section, not_empty, wanted
from kbsync.model import BaseSettings, Embedding, Setting

_ID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BUILT_IN = frozenset(
    {"document_name", "uploader", "upload_date", "last_update_date", "source"}
)  # docs/dify-api.md section 8
_OWN = "kbsync_"


def _uuid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        found = re.search(_ID, value)
        hint = f": {found[0]}" if found else ""
        raise wanted(f"the id of a knowledge base alone is wanted, a UUID{hint}") from None


def _member(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise wanted("the id of a member of the workspace is wanted, a UUID") from None


def _field(name: str) -> str:
    if name in _BUILT_IN or name.startswith(_OWN):
        raise wanted("another name of a field is wanted: this one is the server's or kbsync's own")
    return name


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) != len(values):
        raise wanted("each is wanted once")
    return values


Member = Annotated[str, AfterValidator(_member)]
Tag = Annotated[str, Field(min_length=1, max_length=50)]
FieldName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_field)]


class KnowledgeBaseConfig(Section):
    """Which knowledge base: an existing one by id, or one by name, made when missing.

    A setting that is left out is left as it is, or to the server when the base is made.
    """

    id: Annotated[str, AfterValidator(_uuid)] | None = Field(
        default=None, description="Id of an existing base; it is never made."
    )
    name: Annotated[str, Field(min_length=1, max_length=40)] | None = Field(
        default=None, description="Exact name, 1 to 40 characters; made when there is none."
    )
    description: Annotated[str, Field(max_length=400)] | None = Field(
        default=None, description="What it is about; null: left as it is."
    )
    permission: Literal["only_me", "all_team_members", "partial_members"] | None = Field(
        default=None,
        description="Who sees it in Dify; null: left as it is, and only_me, which hides it from "
        "colleagues, when the base is made.",
    )
    partial_members: (
        Annotated[tuple[Member, ...], AfterValidator(not_empty), AfterValidator(_once)] | None
    ) = Field(
        default=None,
        description="Ids of the members who see it; only with permission: partial_members.",
    )
    tags: Annotated[tuple[Tag, ...], AfterValidator(_once)] | None = Field(
        default=None,
        description="Tags to put on it; those that others put on stay. null: left as they are.",
    )
    fields: Mapping[FieldName, Literal["string", "number", "time"]] | None = Field(
        default=None,
        description="Metadata fields to make, with the type of their values; none is ever deleted.",
    )


def _shorthand(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


KnowledgeBase = Annotated[
    KnowledgeBaseConfig,
    BeforeValidator(_shorthand, json_schema_input_type=str | KnowledgeBaseConfig),
]


def base_settings(base: KnowledgeBaseConfig, chunking: ChunkingSection) -> BaseSettings:
    """Return what is declared of a knowledge base, of everything that belongs to a base."""
    members, model = base.partial_members, chunking.embedding_model
    named = "indexing_technique" in chunking.model_fields_set
    return BaseSettings(
        description=base.description,
        permission=base.permission,
        members=None if members is None else frozenset(members),
        # A default says nothing of a base that is there.
        technique=chunking.indexing_technique if named else None,
        embedding=Embedding(model=model, provider=chunking.embedding_provider or "")
        if model is not None
        else None,
        retrieval=chunking.retrieval.wire() if chunking.retrieval else None,
        tags=None if base.tags is None else frozenset(base.tags),
        fields=None if base.fields is None else dict(base.fields),
    )


def contradictions(one: BaseSettings, other: BaseSettings) -> Iterator[Setting]:
    """Yield what two mirrors on one knowledge base declare differently, of what it has once.

    The technique is not among them: it has a default, which has to be the same as well. Each puts
    its own tags on the base.
    """
    for each in one.named:
        if each in other.named and each not in (Setting.TECHNIQUE, Setting.TAGS):
            if each is Setting.FIELDS and _go_together(one.fields or {}, other.fields or {}):
                continue
            if one.of(each) != other.of(each):
                yield each


def _go_together(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    return all(one[name] == other[name] for name in one.keys() & other.keys())
