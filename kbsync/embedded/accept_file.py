"""Taking a file or a text in, or refusing it (docs/dify-api.md sections 4.2, 4.8 to 4.10)."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from . import names
from .call import refuse_nul
from .envelope import Refusal, invalid
from .store import fresh_id
from .uploads import SIZE_LIMIT, FilePart


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is uploaded: `size` is bytes of a file but characters of a text."""

    name: str
    size: int
    extension: str
    mime_type: str
    content: bytes


def file_upload(part: FilePart, *, updating: bool) -> Upload:
    """The file of a request.

    A type that is not accepted and a file that is too large are refused with a status of their
    own on update, but with 400 and an empty message on create.
    """
    if names.is_refused(part.filename):
        raise invalid("Filename contains invalid characters")
    refuse_nul(part.filename)
    extension = names.extension_of(part.filename)
    if extension not in names.EXTENSIONS:
        raise _refusal(updating, 415, "unsupported_file_type", "File type not allowed.")
    if part.size > SIZE_LIMIT:
        raise _refusal(updating, 413, "file_too_large", "File size exceeded. {message}")
    return Upload(
        name=names.shorten(part.filename, extension),
        size=part.size,
        extension=extension,
        mime_type=part.mime_type,
        content=part.content(),
    )


def text_upload(name: str, text: str) -> Upload:
    """A text, kept as a `.txt` file whatever its name says."""
    refuse_nul(name)
    return Upload(
        name=name[: names.LONGEST],
        size=len(text),
        extension="txt",
        mime_type="text/plain",
        content=text.encode(),
    )


def record(db: sqlite3.Connection, upload: Upload) -> str:
    """Store the upload and return its id, the rev of the document that will refer to it."""
    upload_id = fresh_id()
    db.execute(
        "INSERT INTO upload (id, name, size, extension, mime_type, created_at, content)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            upload_id,
            upload.name,
            upload.size,
            upload.extension,
            upload.mime_type,
            round(time.time(), 6),
            upload.content,
        ),
    )
    return upload_id


def _refusal(updating: bool, status: int, code: str, message: str) -> Refusal:
    return Refusal(status, code, message) if updating else invalid("")
