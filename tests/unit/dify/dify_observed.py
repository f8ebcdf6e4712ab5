"""Replies of a real 1.12.1 server and what each has to come to.

`observed.jsonl` has one object a line: tag, method, path, status, type, body (long ones cut), and
`outcome`: the expected outcome, with the code of its message where it has one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from kbsync.dify.request import ApiCall, ApiReply, Subject, read, write
from kbsync.dify.schemas import (
    ChildChunk,
    ChunkRow,
    Document,
    Hit,
    Indexing,
    KnowledgeBaseRow,
    ListPage,
    Many,
    MetadataField,
    MetadataFields,
    ModelProvider,
    One,
    RenamedField,
    Tag,
    UploadReply,
)

Shape = type[BaseModel]


# (a part of the path, subject, shape by method); the first that occurs in the path decides.
ROUTES: tuple[tuple[str, Subject, dict[str, Shape]], ...] = (
    ("/child_chunks/", Subject.CHUNK, {"PATCH": One[ChildChunk]}),
    (
        "/child_chunks",
        Subject.CHUNK,
        {"GET": ListPage[ChildChunk], "POST": One[ChildChunk]},
    ),
    ("/segments/", Subject.CHUNK, {"GET": One[ChunkRow], "POST": One[ChunkRow]}),
    (
        "/segments",
        Subject.CHUNK,
        {
            "GET": ListPage[ChunkRow],
            "POST": Many[ChunkRow],
        },
    ),
    ("/documents/metadata", Subject.METADATA, {}),
    ("/metadata/built-in", Subject.METADATA, {}),
    ("/metadata/", Subject.METADATA, {"PATCH": RenamedField}),
    ("/metadata", Subject.METADATA, {"GET": MetadataFields, "POST": MetadataField}),
    ("/documents/status/", Subject.SWITCH, {}),
    ("-status", Subject.DOCUMENT, {"GET": Many[Indexing]}),
    ("/create", Subject.UPLOAD, {"POST": UploadReply}),
    ("/update", Subject.UPLOAD, {"POST": UploadReply}),
    ("/documents/", Subject.DOCUMENT, {"GET": Document}),
    ("/documents", Subject.DOCUMENT, {"GET": ListPage[Document]}),
    ("/retrieve", Subject.SEARCH, {"POST": Many[Hit]}),
    ("/datasets/tags", Subject.TAG, {}),
    ("/tags", Subject.TAG, {"GET": Many[Tag]}),
    (
        "/model-types/",
        Subject.MODEL,
        {"GET": Many[ModelProvider]},
    ),
    (
        "/datasets/",
        Subject.BASE,
        {"GET": KnowledgeBaseRow, "PATCH": KnowledgeBaseRow},
    ),
    (
        "/",
        Subject.BASE,
        {"GET": ListPage[KnowledgeBaseRow], "POST": KnowledgeBaseRow},
    ),
)


@dataclass(frozen=True)
class Observed:
    tag: str
    call: ApiCall
    reply: ApiReply
    shape: Shape | None
    outcome: str


def observed() -> list[Observed]:
    """Return every row of the file."""
    text = Path(__file__).with_name("observed.jsonl").read_text(encoding="utf-8")
    return [_row(json.loads(line)) for line in text.splitlines()]


def _row(row: dict[str, str]) -> Observed:
    method, path = row["method"], row["path"]
    _, subject, shapes = next(route for route in ROUTES if route[0] in path)
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
        shape=shapes.get(method),
        outcome=row.get("outcome", ""),
    )
