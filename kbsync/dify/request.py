"""What is asked and what comes back, as values: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import pairwise
from urllib.parse import quote
from uuid import UUID

from kbsync.lazy_dataclass import dataclass


class Subject(StrEnum):
    """What a call is about: the same status means different things on different routes."""

    BASE = "base"
    DOCUMENT = "document"
    UPLOAD = "upload"
    SWITCH = "switch"
    CHUNK = "chunk"
    METADATA = "metadata"
    TAG = "tag"
    SEARCH = "search"
    MODEL = "model"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """One call of the API.

    Args:
        what: the call in words, for messages.
        path: below the base address, already quoted.
        write: whether it changes something on the server; reads may be repeated.
        strange_id: the first id that cannot be one: the server would answer it with the same web
            page as a wrong address, so it is never sent.
    """

    what: str
    method: str
    path: str
    subject: Subject
    write: bool
    strange_id: str | None = None


def read(what: str, subject: Subject, *path: str, method: str = "GET") -> ApiCall:
    """Return a call that changes nothing."""
    return _call(what, subject, method, path, write=False)


def write(what: str, subject: Subject, method: str, *path: str) -> ApiCall:
    """Return a call that changes something."""
    return _call(what, subject, method, path, write=True)


def _call(
    what: str, subject: Subject, method: str, path: tuple[str, ...], *, write: bool
) -> ApiCall:
    strange = next((segment for segment in _ids(path) if not is_id(segment)), None)
    return ApiCall(
        what=what,
        method=method,
        path=route(*path),
        subject=subject,
        write=write,
        strange_id=strange,
    )


_COLLECTIONS = frozenset({"datasets", "documents", "segments", "child_chunks", "metadata"})
# Words that stand where an id would stand in the routes of a collection.
_NO_IDS = frozenset({"tags", "status", "metadata", "built-in", "pipeline"})


def _ids(path: tuple[str, ...]) -> Iterator[str]:
    for parent, segment in pairwise(path):
        is_batch = path[-1] == "indexing-status" and parent == "documents"
        if parent in _COLLECTIONS and segment not in _NO_IDS and not is_batch:
            yield segment


def route(*segments: str) -> str:
    """Join path segments, each quoted: an id can never reach another route."""
    return "".join("/" + quote(segment, safe="") for segment in segments)


def is_id(text: str) -> bool:
    """Whether `text` is a UUID in the usual spelling; anything else would be an HTML 404."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiReply:
    """An answer, read in full. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says success: 200, 201 and 204 all occur (docs/dify-api.md 1.3)."""
        return 200 <= self.status < 300
