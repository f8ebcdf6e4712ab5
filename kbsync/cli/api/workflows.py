"""Calls that take more than one request, or more than the client's method."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
import click

from kbsync.cli.api.api_verb import Arguments
from kbsync.dify.api.metadata import DocumentValues, Value
from kbsync.dify.api.search import as_the_base_is, by_keyword
from kbsync.dify.client import DifyClient
from kbsync.dify.schemas import (
    ChunkRow,
    Document,
    Hit,
    KnowledgeBaseRow,
    MetadataField,
    UploadReply,
)
from kbsync.engine.ports import Payload
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.model import Done, Outcome
from kbsync.source.conversion import Conversion
from kbsync.source.openat import FOLDER
from kbsync.source.payload import payload

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0


async def create_base(api: DifyClient, args: Arguments) -> Outcome[KnowledgeBaseRow]:
    """Make a base; an economy one searches by keyword: by meaning it would find nothing."""
    retrieval = args.mapping("retrieval")
    if retrieval is None and args.text("technique") == "economy":
        retrieval = by_keyword()
    return await api.bases.create(
        args["name"],
        description=args.text("description"),
        technique=args.text("technique"),
        permission=args.text("permission"),
        embedding_model=args.text("embedding_model"),
        embedding_provider=args.text("embedding_provider"),
        retrieval=retrieval,
    )


async def change_chunk(api: DifyClient, args: Arguments) -> Outcome[ChunkRow]:
    """Change a chunk; what the server insists on and was not typed is sent as it is."""
    where = args["base"], args["document"], args["chunk"]
    changes = args.given(
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


async def search_base(api: DifyClient, args: Arguments) -> Outcome[Sequence[Hit]]:
    """Search one base."""
    return await retrieve(
        api,
        args["base"],
        args["query"],
        top=args.number("top"),
        method=args.text("method"),
        filters=args.texts("filters"),
    )


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
    conditions = [_condition(each) for each in filters]
    base = await api.bases.get(base_id)
    if not isinstance(base, Done):
        return base
    model = dict(as_the_base_is(base.value, top, method))
    if conditions:
        model["metadata_filtering_conditions"] = {
            "logical_operator": "and",
            "conditions": conditions,
        }
    return await api.search.retrieve(base_id, query, model)


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


async def assign(api: DifyClient, args: Arguments) -> Outcome[Document]:
    """Assign values and read them back: a server may drop them without a word (section 8).

    Raises:
        Problem: a field does not exist, or values were not stored.
    """
    fields = await api.metadata.fields(args["base"])
    if not isinstance(fields, Done):
        return fields
    values = [_value(each, fields.value.fields, args["base"]) for each in args.texts("values")]
    batch = [
        DocumentValues(document_id=args["document"], values=values, merge=not args.flag("replace"))
    ]
    assigned = await api.metadata.assign(args["base"], batch)
    if not isinstance(assigned, Done):
        return assigned
    document = await api.documents.get(args["base"], args["document"])
    if isinstance(document, Done):
        _stored(args, values, document.value)
    return document


def _value(text: str, fields: Sequence[MetadataField], base: str) -> Value:
    name, value = pair(text)
    for field in fields:
        if field.name == name:
            typed = _number(value) if field.type in ("number", "time") else value
            return Value(field_id=field.id, name=name, value=typed if value else None)
    raise Problem(say.NO_SUCH_FIELD(field=name, base=base))


def _number(text: str) -> float | str:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text


def _stored(args: Arguments, values: Sequence[Value], document: Document) -> None:
    have = {each.name: each.value for each in document.metadata}
    lost = [each.name for each in values if str(have.get(each.name)) != str(each.value)]
    if lost:
        names = ", ".join(lost)
        raise Problem(say.NOT_STORED(document=args["document"], base=args["base"], names=names))


async def create_file(api: DifyClient, args: Arguments) -> Outcome[UploadReply]:
    """Make a document of a file."""
    options = await _options(api, args, creating=True)
    if not isinstance(options, Done):
        return options
    if args.flag("twin"):
        options.value["duplicate"] = False
    path = Path(args["file"])
    with _opened(path, raw=args.flag("raw")) as payload:
        sent = await api.documents.create_by_file(
            args["base"], args.text("name") or path.name, payload, options.value
        )
    return await _indexed(api, args, sent)


async def create_text(api: DifyClient, args: Arguments) -> Outcome[UploadReply]:
    """Make a document of a text."""
    options = await _options(api, args, creating=True)
    if not isinstance(options, Done):
        return options
    sent = await api.documents.create_by_text(
        args["base"], args["name"], args["text"], options.value
    )
    return await _indexed(api, args, sent)


async def update_file(api: DifyClient, args: Arguments) -> Outcome[UploadReply]:
    """Replace a document by a file."""
    options = await _options(api, args, creating=False)
    if not isinstance(options, Done):
        return options
    path = Path(args["file"])
    with _opened(path, raw=args.flag("raw")) as payload:
        sent = await api.documents.update_by_file(
            args["base"], args["document"], args.text("name") or path.name, payload, options.value
        )
    return await _indexed(api, args, sent)


async def update_text(api: DifyClient, args: Arguments) -> Outcome[UploadReply]:
    """Replace a document by a text."""
    options = await _options(api, args, creating=False)
    if not isinstance(options, Done):
        return options
    sent = await api.documents.update_by_text(
        args["base"], args["document"], args["name"], args["text"], options.value
    )
    return await _indexed(api, args, sent)


async def _options(
    api: DifyClient, args: Arguments, *, creating: bool
) -> Outcome[dict[str, object]]:
    """Return the ``data`` keys to send: what was typed, and what this base insists on.

    The form has to be sent with every upload to a base that is not of the usual one, the
    technique with every text, and a rule to a base that never had a document (sections 4.2 to 4.6).
    """
    asked = await api.bases.get(args["base"])
    if not isinstance(asked, Done):
        return asked
    base = asked.value
    data = args.given(doc_form="form", doc_language="language", process_rule="rule")
    if base.form is not None:
        data.setdefault("doc_form", base.form)
    if creating:
        data["indexing_technique"] = args.text("technique") or base.technique or "economy"
        if not base.documents:
            data.setdefault("process_rule", {"mode": "automatic"})
    return Done(data)


@contextmanager
def _opened(path: Path, *, raw: bool) -> Iterator[Payload]:
    try:
        target = path.resolve(strict=True)
        folder = os.open(target.parent, FOLDER)
    except OSError as error:
        raise Problem(say.CANNOT_READ(path=path, why=error.strerror)) from None
    try:
        conversion = Conversion(convert=not raw)
        opening = payload(folder, (target.name,), path=path.name, conversion=conversion)
        try:
            # Only an error of opening means an unreadable file; one in the block is the
            # upload's.
            found = opening.__enter__()
        except OSError as error:
            raise Problem(say.CANNOT_READ(path=path, why=error.strerror)) from None
        try:
            if found.doubt:
                raise Problem(found.doubt)
            yield found
        finally:
            opening.__exit__(None, None, None)
    finally:
        os.close(folder)


async def _indexed(
    api: DifyClient, args: Arguments, sent: Outcome[UploadReply]
) -> Outcome[UploadReply]:
    """Wait as long as was asked for until the document is indexed.

    Raises:
        Problem: it failed, or is not there yet.
    """
    limit = args.seconds("wait")
    if not (limit and isinstance(sent, Done)):
        return sent
    seen = await _watched(api, args["base"], sent.value.document, limit)
    if not isinstance(seen, Done):
        return seen
    document = seen.value
    words = {"document": document.name, "base": args["base"], "id": document.id}
    if document.indexing_status == "error":
        raise Problem(say.INDEXING_FAILED(words=document.error or "no reason given", **words))
    if document.indexing_status != "completed":
        status = document.indexing_status
        raise Problem(say.STILL_INDEXING(seconds=f"{limit:g}", status=status, **words))
    return Done(sent.value.model_copy(update={"document": document}))


async def _watched(
    api: DifyClient, base: str, document: Document, limit: float
) -> Outcome[Document]:
    """Return the document as last seen, at its end or after `limit` seconds."""

    pause = FIRST_PAUSE
    with anyio.move_on_after(limit):
        while document.indexing_status not in ("completed", "error"):
            await anyio.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
            asked = await api.documents.get(base, document.id)
            if not isinstance(asked, Done):
                return asked
            document = asked.value
    return Done(document)
