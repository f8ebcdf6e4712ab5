"""Why a document that the server is done with is not found, in the words of its file."""

from __future__ import annotations

from kbsync.messages import Notice, printable
from kbsync.messages import engine as say
from kbsync.model import DocKey, Progress, Readiness, RemoteDocument
from kbsync.model.file_types import extension

_NO_TEXT = {
    "pdf": "pictures of pages, as a scanner makes them, have none until it is recognised (OCR)",
    "docx": "a document of pictures alone has none",
    "xlsx": "a table of one row has none, and formulas that were never calculated have none",
    "xls": "a table of one row has none",
    "csv": "a table of one row has none",
    "html": "a page whose text comes from its scripts has none",
    "htm": "a page whose text comes from its scripts has none",
}


def verdict(key: DocKey, document: RemoteDocument, progress: Progress | None) -> Notice | None:
    """Return why `document` cannot be found by a search, None when it can."""
    if _failed(document, progress):
        reason = printable(document.error or "no reason given")
        message = say.FAILED_READING if document.unreadable else say.FAILED_INDEXING
        return message(path=key.path, mirror=key.mirror, reason=reason)
    if document.word_count == 0 or (progress is not None and progress.total == 0):
        return _without_text(key)
    if progress is not None and progress.completed < progress.total:
        return say.FAILED_INCOMPLETE_CHUNKS(
            path=key.path,
            mirror=key.mirror,
            completed=progress.completed,
            total=progress.total,
        )
    return None


def _failed(document: RemoteDocument, progress: Progress | None) -> bool:
    """Whether the server ended in an error; of an archived document only its progress tells."""
    ended = progress.readiness if progress is not None else document.readiness
    return Readiness.ERROR in (document.readiness, ended)


def _without_text(key: DocKey) -> Notice:
    hint = _NO_TEXT.get(extension(key.path.rpartition("/")[2]))
    if hint is None:
        return say.FAILED_NO_CHUNKS(path=key.path, mirror=key.mirror)
    return say.FAILED_NO_TEXT(path=key.path, mirror=key.mirror, hint=hint)
