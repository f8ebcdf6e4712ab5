"""Calls that take more than one request, or more than the client's method."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import click

from kbsync.cli.calls.row import Given

if TYPE_CHECKING:
    from kbsync.dify.client import DifyClient
    from kbsync.dify.metadata import Value
    from kbsync.dify.wire import Chunk, Document, Hit, KnowledgeBase, Listing, MetadataField
    from kbsync.model import Outcome


class HasId(Protocol):
    """What a listing's rows have in common."""

    @property
    def id(self) -> str:
        """What tells rows apart."""
        ...


R = TypeVar("R", bound=HasId)


async def listed(
    it: Given, page: Callable[[int, int], Awaitable[Outcome[Listing[R]]]]
) -> Outcome[Listing[R]]:
    """Return the page that was asked for, or all of them as one.

    Args:
        it: has `page`, `limit` and `every`.
        page: asks for one page, by its number and its rows.
    """
    from kbsync.dify.listing import whole  # noqa: PLC0415
    from kbsync.dify.wire import Listing  # noqa: PLC0415
    from kbsync.model import Done  # noqa: PLC0415

    if not it.flag("every"):
        return await page(it.number("page"), it.number("limit"))
    found = await whole(lambda number: page(number, 100), lambda row: row.id)
    if not isinstance(found, Done):
        return found
    return Done(Listing(rows=found.value, total=len(found.value), has_more=False))


async def create_base(api: DifyClient, it: Given) -> Outcome[KnowledgeBase]:
    """Make a base; an economy one searches by keyword: by meaning it would find nothing."""
    from kbsync.dify.search import by_keyword  # noqa: PLC0415

    retrieval = it.mapping("retrieval")
    if retrieval is None and it.text("technique") == "economy":
        retrieval = by_keyword()
    return await api.bases.create(
        it["name"],
        description=it.text("description"),
        technique=it.text("technique"),
        permission=it.text("permission"),
        embedding_model=it.text("embedding_model"),
        embedding_provider=it.text("embedding_provider"),
        retrieval=retrieval,
    )


async def change_chunk(api: DifyClient, it: Given) -> Outcome[Chunk]:
    """Change a chunk; what the server insists on and was not typed is sent as it is."""
    from kbsync.model import Done  # noqa: PLC0415

    where = it["base"], it["document"], it["chunk"]
    changes = it.told(
        content="text",
        answer="answer",
        keywords="keywords",
        enabled="enabled",
        regenerate_child_chunks="regenerate",
    )
    if "content" not in changes:
        before = await api.chunks.get(*where)
        if not isinstance(before, Done):
            return before
        changes["content"] = before.value.content
        if before.value.answer is not None:
            changes.setdefault("answer", before.value.answer)
    return await api.chunks.change(*where, changes)


# -- search --------------------------------------------------------------------------------------


async def retrieve(
    api: DifyClient,
    base_id: str,
    query: str,
    *,
    top: int,
    method: str | None = None,
    filters: Sequence[str] = (),
) -> Outcome[Sequence[Hit]]:
    """Search a base the way it is made for: an economy base knows keywords alone.

    Args:
        api: the server.
        base_id: where.
        query: 1 to 250 characters.
        top: how many chunks.
        method: the server's word for how; None leaves it to the base.
        filters: ``NAME=VALUE`` each; documents have to meet all of them.
    """
    from kbsync.model import Done  # noqa: PLC0415

    conditions = [_condition(each) for each in filters]
    base = await api.bases.get(base_id)
    if not isinstance(base, Done):
        return base
    model = dict(_model(base.value, method, top))
    if conditions:
        model["metadata_filtering_conditions"] = {
            "logical_operator": "and",
            "conditions": conditions,
        }
    return await api.search.retrieve(base_id, query, model)


def _model(base: KnowledgeBase, method: str | None, top: int) -> Mapping[str, object]:
    from kbsync.dify.search import by_keyword  # noqa: PLC0415

    if method is not None:
        return {**by_keyword(top), "search_method": method}
    if base.technique != "high_quality":
        return by_keyword(top)
    return {**by_keyword(), "search_method": "semantic_search", **base.retrieval, "top_k": top}


def _condition(text: str) -> Mapping[str, object]:
    name, value = pair(text)
    return {"name": name, "comparison_operator": "is", "value": value}


def pair(text: str) -> tuple[str, str]:
    """Split ``NAME=VALUE``.

    Raises:
        click.UsageError: it is none.
    """
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise click.UsageError(f"NAME=VALUE is wanted, not {text!r}")
    return name, value


# -- metadata ------------------------------------------------------------------------------------


async def assign(api: DifyClient, it: Given) -> Outcome[Document]:
    """Assign values and read them back: a server may drop them without a word (section 8).

    Raises:
        Problem: a field does not exist, or values were not stored.
    """
    from kbsync.dify.metadata import DocumentValues  # noqa: PLC0415
    from kbsync.model import Done  # noqa: PLC0415

    fields = await api.metadata.fields(it["base"])
    if not isinstance(fields, Done):
        return fields
    values = [_value(each, fields.value.fields) for each in it.texts("values")]
    batch = [
        DocumentValues(document_id=it["document"], values=values, merge=not it.flag("replace"))
    ]
    told = await api.metadata.assign(it["base"], batch)
    if not isinstance(told, Done):
        return told
    document = await api.documents.get(it["base"], it["document"])
    if isinstance(document, Done):
        _stored(it, values, document.value)
    return document


def _value(text: str, fields: Sequence[MetadataField]) -> Value:
    from kbsync.dify.metadata import Value  # noqa: PLC0415
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    name, value = pair(text)
    for field in fields:
        if field.name == name:
            typed = _number(value) if field.type in ("number", "time") else value
            return Value(field_id=field.id, name=name, value=typed if value else None)
    raise Problem(say.NO_SUCH_FIELD(field=name))


def _number(text: str) -> float | str:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _stored(it: Given, values: Sequence[Value], document: Document) -> None:
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    have = {each.name: each.value for each in document.metadata}
    lost = [each.name for each in values if str(have.get(each.name)) != str(each.value)]
    if lost:
        names = ", ".join(lost)
        raise Problem(say.NOT_STORED(document=it["document"], base=it["base"], names=names))
