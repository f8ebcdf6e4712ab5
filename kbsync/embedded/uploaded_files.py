"""Which files and texts are accepted, and how they are stored (docs/dify-api.md 4.2, 4.8-4.10)."""

from __future__ import annotations

import os.path
import sqlite3
import time
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import UploadFile

from .endpoint_call import refuse_nul
from .form_data import MAX_FILE_BYTES
from .replies import EnvelopeError, invalid
from .sqlite_store import fresh_id

ACCEPTED_EXTENSIONS: Final = frozenset(
    {"txt", "markdown", "md", "mdx", "pdf", "html", "htm", "xlsx", "xls", "docx", "csv", "vtt"}
    | {"properties"}
)
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file or text that was accepted; `size` is bytes of a file but characters of a text."""

    name: str
    size: int
    extension: str
    mime_type: str
    content: bytes


def accept_file(part: UploadFile, *, refused_characters: frozenset[str], named: bool) -> StoredFile:
    """The file of a form.

    Args:
        part: the file as it was sent.
        refused_characters: what its name must not contain.
        named: name the reason for a refused type or size, as an update does; without, the answer
            is 400 with an empty message, as that of a create.

    Raises:
        EnvelopeError: the name, the type or the size is refused.
    """
    name = _accepted_name(part, refused_characters)
    # Type before size, as on the real server: a large file of a wrong type is a wrong type.
    extension = _extension(name)
    if extension not in ACCEPTED_EXTENSIONS:
        raise _refusal(named, 415, "unsupported_file_type", "File type not allowed.")
    size = part.size or 0
    if size > MAX_FILE_BYTES:
        # The placeholder is the real server's: it never fills it in.
        raise _refusal(named, 413, "file_too_large", "File size exceeded. {message}")
    return _stored(part, name, extension)


def accept_any_file(part: UploadFile, *, refused_characters: frozenset[str]) -> StoredFile:
    """The file of a form, of whatever type: what a pipeline makes of it shows later."""
    name = _accepted_name(part, refused_characters)
    if (part.size or 0) > MAX_FILE_BYTES:
        raise _refusal(True, 413, "file_too_large", "File size exceeded. {message}")
    return _stored(part, name, _extension(name))


def _accepted_name(part: UploadFile, refused_characters: frozenset[str]) -> str:
    name = part.filename or ""
    if not refused_characters.isdisjoint(name):
        raise invalid("Filename contains invalid characters")
    refuse_nul(name)
    return name


def _stored(part: UploadFile, name: str, extension: str) -> StoredFile:
    return StoredFile(
        name=_shorten(name, extension),
        size=part.size or 0,
        extension=extension,
        mime_type=(part.content_type or "").partition(";")[0].strip(),
        content=part.file.read(),
    )


def accept_text(name: str, text: str) -> StoredFile:
    """A text, stored as a `.txt` file whatever its name is."""
    refuse_nul(name)
    return StoredFile(
        name=name[:MAX_NAME],
        size=len(text),
        extension="txt",
        mime_type="text/plain",
        content=text.encode(),
    )


def insert_file(db: sqlite3.Connection, file: StoredFile) -> str:
    """Store the file and return its id, the rev of the document that will refer to it."""
    upload_id = fresh_id()
    db.execute(
        "INSERT INTO upload (id, name, size, extension, mime_type, created_at, content)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            upload_id,
            file.name,
            file.size,
            file.extension,
            file.mime_type,
            round(time.time(), 6),
            file.content,
        ),
    )
    return upload_id


def _extension(name: str) -> str:
    """The lower-cased extension without its dot; empty when there is none (`.md` has none)."""
    return os.path.splitext(name)[1].lstrip(".").lower()  # noqa: PTH122 - a name, not a path


def _shorten(name: str, extension: str) -> str:
    """The stored name: one longer than 200 characters is cut at its first dot."""
    if len(name) <= MAX_NAME:
        return name
    return f"{name.split('.', 1)[0][:MAX_NAME]}.{extension}"


def _refusal(named: bool, status: int, code: str, message: str) -> EnvelopeError:
    return EnvelopeError(status, code, message) if named else invalid("")
