"""How a typed reply is shown to people: a table, the members of one object, or lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import click

from kbsync.cli import show
from kbsync.dify import wire

EXCERPT = 80

# The first column is what other calls take.
COLUMNS: dict[type, tuple[str, ...]] = {
    wire.KnowledgeBase: ("id", "name", "documents", "word_count", "technique", "form"),
    wire.Document: ("id", "name", "display_status", "word_count", "size", "error"),
    wire.Indexing: ("id", "status", "completed", "total", "error"),
    wire.Chunk: ("id", "position", "content", "word_count", "keywords", "enabled", "status"),
    wire.ChildChunk: ("id", "position", "content", "type"),
    wire.MetadataField: ("id", "name", "type", "count"),
    wire.Tag: ("id", "name"),
    wire.ModelProvider: ("provider", "status", "models"),
}


def reply(value: object, done: str) -> None:
    """Print a reply.

    Args:
        value: what the client returned.
        done: the sentence to print when it has no content.
    """
    match value:
        case None:
            show.line(done)
        case wire.Listing():
            _table(value.rows)
            _rest(value)
        case wire.MetadataFields():
            _table(value.fields)
            click.echo(f"built-in fields: {show.text_of(value.built_in_enabled)}", err=True)
        case wire.Upload():
            show.members([*_members(value.document), ("batch", value.batch)])
        case tuple() | list():
            _table(value)
        case _:
            show.members(_members(value))


def _table(found: Sequence[object]) -> None:
    first = found[0] if found else None
    match first:
        case None:
            click.echo("none", err=True)
        case wire.Hit():
            hits = [each for each in found if isinstance(each, wire.Hit)]
            show.rows(("chunk", "score", "document", "text"), (_hit(each) for each in hits))
        case str():
            for each in found:
                show.line(str(each))
        case _:
            columns = COLUMNS[type(first)]
            headers = [name.replace("word_count", "words") for name in columns]
            show.rows(headers, ([_cell(row, name) for name in columns] for row in found))


def _cell(row: object, name: str) -> object:
    value: object = getattr(row, name)
    return show.excerpt(value, EXCERPT) if name == "content" and isinstance(value, str) else value


def _hit(hit: wire.Hit) -> tuple[object, ...]:
    text = show.excerpt(hit.chunk.content, EXCERPT)
    return hit.chunk.id, f"{hit.score:.3f}", hit.document_name, text


def _rest(listing: wire.Listing[Any]) -> None:
    if len(listing.rows) < listing.total:
        told = f"{len(listing.rows)} of {listing.total}; the others with --page or --all"
        click.echo(told, err=True)


def _members(value: object) -> Iterator[tuple[str, object]]:
    for field in fields(value):  # type: ignore[arg-type]
        member: object = getattr(value, field.name)
        if field.name == "metadata" and isinstance(member, tuple):
            yield from ((f"metadata {each.name}", each.value) for each in member)
        elif member not in (None, (), ""):
            yield field.name, member
