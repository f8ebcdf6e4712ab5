"""Replies of a real 1.12.1 server and what each has to come to.

`observed.jsonl` has one object a line: tag, method, path, status, type, body (long ones cut), and
`outcome`: the expected outcome, with the code of its message where it has one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kbsync.dify.reading import JsonObject
from kbsync.dify.request import ApiCall, ApiReply, Subject, read, write
from kbsync.dify.schemas import (
    ChildChunk,
    ChunkRow,
    Document,
    Hit,
    Indexing,
    KnowledgeBaseRow,
    MetadataField,
    MetadataFields,
    ModelProvider,
    Tag,
    UploadReply,
    read_listing,
)

Reader = Callable[[JsonObject], object]


def _nothing(json: JsonObject) -> object:
    return None


def _data(of: Reader) -> Reader:
    return lambda json: of(JsonObject(json.raw("data")))


# (a part of the path, subject, reader by method); the first that occurs in the path decides.
ROUTES: tuple[tuple[str, Subject, dict[str, Reader]], ...] = (
    ("/child_chunks/", Subject.CHUNK, {"PATCH": _data(ChildChunk.read)}),
    (
        "/child_chunks",
        Subject.CHUNK,
        {"GET": read_listing(ChildChunk.read), "POST": _data(ChildChunk.read)},
    ),
    ("/segments/", Subject.CHUNK, {"GET": _data(ChunkRow.read), "POST": _data(ChunkRow.read)}),
    (
        "/segments",
        Subject.CHUNK,
        {
            "GET": read_listing(ChunkRow.read),
            "POST": lambda json: json.listed("data", ChunkRow.read),
        },
    ),
    ("/documents/metadata", Subject.METADATA, {}),
    ("/metadata/built-in", Subject.METADATA, {}),
    ("/metadata/", Subject.METADATA, {"PATCH": MetadataField.read}),
    ("/metadata", Subject.METADATA, {"GET": MetadataFields.read, "POST": MetadataField.read}),
    ("/documents/status/", Subject.SWITCH, {}),
    ("-status", Subject.DOCUMENT, {"GET": lambda json: json.listed("data", Indexing.read)}),
    ("/create", Subject.UPLOAD, {"POST": UploadReply.read}),
    ("/update", Subject.UPLOAD, {"POST": UploadReply.read}),
    ("/documents/", Subject.DOCUMENT, {"GET": Document.read}),
    ("/documents", Subject.DOCUMENT, {"GET": read_listing(Document.read)}),
    ("/retrieve", Subject.SEARCH, {"POST": lambda json: json.listed("records", Hit.read)}),
    ("/datasets/tags", Subject.TAG, {}),
    ("/tags", Subject.TAG, {"GET": lambda json: json.listed("data", Tag.read)}),
    (
        "/model-types/",
        Subject.MODEL,
        {"GET": lambda json: json.listed("data", ModelProvider.read)},
    ),
    (
        "/datasets/",
        Subject.BASE,
        {"GET": KnowledgeBaseRow.read, "PATCH": KnowledgeBaseRow.read},
    ),
    (
        "/",
        Subject.BASE,
        {"GET": read_listing(KnowledgeBaseRow.read), "POST": KnowledgeBaseRow.read},
    ),
)


@dataclass(frozen=True)
class Observed:
    tag: str
    call: ApiCall
    reply: ApiReply
    reader: Reader
    outcome: str


def observed() -> list[Observed]:
    """Return every row of the file."""
    text = Path(__file__).with_name("observed.jsonl").read_text(encoding="utf-8")
    return [_row(json.loads(line)) for line in text.splitlines()]


def _row(row: dict[str, str]) -> Observed:
    method, path = row["method"], row["path"]
    _, subject, readers = next(route for route in ROUTES if route[0] in path)
    segments = path.strip("/").split("/")
    reading = method == "GET" or subject is Subject.SEARCH
    call = (
        read("call", subject, *segments, method=method)
        if reading
        else write("call", subject, method, *segments)
    )
    body = row["body"] if isinstance(row["body"], str) else json.dumps(row["body"])
    return Observed(
        tag=row["tag"],
        call=call,
        reply=ApiReply(
            status=int(row["status"]),
            headers={"content-type": row["type"]},
            body=body.encode(),
        ),
        reader=readers.get(method, _nothing),
        outcome=row.get("outcome", ""),
    )
