"""How a typed reply is shown to people: a table, the members of one object, or lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from kbsync.cli import output
from kbsync.dify import schemas

EXCERPT = 80

# The first column is what other calls take.
COLUMNS: dict[type, tuple[str, ...]] = {
    schemas.KnowledgeBaseRow: ("id", "name", "documents", "word_count", "technique", "form"),
    schemas.Document: ("id", "name", "display_status", "word_count", "size", "error"),
    schemas.Indexing: ("id", "status", "completed", "total", "error"),
    schemas.ChunkRow: ("id", "position", "content", "word_count", "keywords", "enabled", "status"),
    schemas.ChildChunk: ("id", "position", "content", "type"),
    schemas.MetadataField: ("id", "name", "type", "count"),
    schemas.Tag: ("id", "name"),
    schemas.ModelProvider: ("provider", "status", "models"),
}


# A row of `kb list` fits into 80 columns.
SHORTER = {"word_count": "words", "documents": "docs"}


def reply(value: object, done: str) -> None:
    """Print a reply.

    Args:
        value: what the client returned.
        done: the sentence to print when it has no content.
    """
    match value:
        case None:
            output.line(done)
        case schemas.ListPage():
            _table(value.rows)
            _rest(value)
        case schemas.MetadataFields():
            _table(value.fields)
            click.echo(f"built-in fields: {output.text_of(value.built_in_enabled)}", err=True)
        case schemas.UploadReply():
            output.members([*_members(value.document), ("batch", value.batch)])
        case tuple() | list():
            _table(value)
        case schemas.ApiObject():
            output.members(_members(value))


def _table(found: Sequence[object]) -> None:
    first = found[0] if found else None
    match first:
        case None:
            click.echo("none", err=True)
        case schemas.Hit():
            hits = [each for each in found if isinstance(each, schemas.Hit)]
            output.rows(("chunk", "score", "document", "text"), (_hit(each) for each in hits))
        case str():
            for each in found:
                output.line(str(each))
        case _:
            columns = COLUMNS[type(first)]
            headers = [SHORTER.get(name, name) for name in columns]
            output.rows(headers, ([_cell(row, name) for name in columns] for row in found))


def _cell(row: object, name: str) -> object:
    value: object = getattr(row, name)
    return output.excerpt(value, EXCERPT) if name == "content" and isinstance(value, str) else value


def _hit(hit: schemas.Hit) -> tuple[object, ...]:
    text = output.excerpt(hit.chunk.content, EXCERPT)
    return hit.chunk.id, f"{hit.score:.3f}", hit.document_name, text


def _rest(listing: schemas.ListPage[Any]) -> None:
    # On standard error, so that a pipe gets rows alone.
    if len(listing.rows) < listing.total:
        shown = f"{len(listing.rows)} of {listing.total}; the others with --page or --all"
        click.echo(shown, err=True)


def _members(value: schemas.ApiObject) -> Iterator[tuple[str, object]]:
    for name in value.model_dump():
        member: object = getattr(value, name)
        if name == "metadata" and isinstance(member, tuple):
            yield from ((f"metadata {each.name}", each.value) for each in member)
        elif member not in (None, (), ""):
            yield name, member
