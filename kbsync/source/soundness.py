"""Documents that no server can read, known by a look at their bytes: locked, scanned, or broken.

A fault is named only where it is certain; whatever is in doubt is sent, and the server decides. Of
most documents a few kilobytes are read; PDF is looked into where the library for it is installed.
"""

from __future__ import annotations

import io
import logging
import os
import re
import zipfile
from typing import Any

from kbsync.messages import Notice
from kbsync.messages import source as says

OFFICE = frozenset({"docx", "xlsx", "pptx"})
ZIPPED = OFFICE | {"epub"}
LARGEST_PDF = 64 << 20
MOST_PAGES, DEEPEST = 200, 8

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_PART = "EncryptedPackage".encode("utf-16-le")
_VALUE = re.compile(rb"<v(?:\s[^>/]*)?>[^<]|<is[ >]")
_DIRECTORY = {"epub": "META-INF/container.xml"}
_CONTENT_TYPES = "[Content_Types].xml"
_BLOCK = 1 << 16
_PDF_MARK_WITHIN = 1024
_SHEET = 1 << 22
# The four operators that show text, each behind what is shown.
_WRITES = re.compile(rb"[)\]>]\s*(?:T[jJ]|['\"])")


def fault(fd: int, ending: str) -> Notice | None:
    """Return why the document `fd` cannot be read by any server, None where it may be.

    Args:
        fd: its descriptor.
        ending: the extension of its name, lower case.

    Raises:
        OSError: it cannot be read.
    """
    size = os.fstat(fd).st_size
    if ending == "pdf":
        return _pdf_fault(fd, size)
    return _zip_fault(fd, size, ending) if ending in ZIPPED else None


# -- Office documents and books: folders in a zip file


def _zip_fault(fd: int, size: int, ending: str) -> Notice | None:
    start = os.pread(fd, len(_OLE), 0)
    if start == _OLE:
        return _old_format(fd, size, ending)
    with os.fdopen(os.dup(fd), "rb") as file:
        try:
            with zipfile.ZipFile(file) as packed:
                return _part_fault(packed, ending)
        except zipfile.BadZipFile:
            return says.BROKEN_DOCUMENT(kind=ending, cause="it is no zip file, or was cut off")
        except (ValueError, NotImplementedError, RuntimeError, EOFError):
            return None


def _old_format(fd: int, size: int, ending: str) -> Notice | None:
    """Tell a document with a password from one in the old format under a new name."""
    if ending not in OFFICE:
        return says.BROKEN_DOCUMENT(kind=ending, cause="it is an old Office document")
    data = os.pread(fd, min(size, LARGEST_PDF), 0)
    if _LOCKED_PART in data:
        return says.LOCKED()
    return says.BROKEN_DOCUMENT(kind=ending, cause="it is in the format of old Office versions")


def _part_fault(packed: zipfile.ZipFile, ending: str) -> Notice | None:
    names = set(packed.namelist())
    wanted = _DIRECTORY.get(ending, _CONTENT_TYPES)
    if wanted not in names:
        return says.BROKEN_DOCUMENT(kind=ending, cause=f"{wanted} is missing in it")
    if any(part.flag_bits & 1 for part in packed.infolist()):
        return says.LOCKED()
    sheets = sorted(name for name in names if name.startswith("xl/worksheets/sheet"))
    if ending == "xlsx" and sheets and not any(_has_values(packed, name) for name in sheets):
        return says.NO_VALUES()
    return None


def _has_values(packed: zipfile.ZipFile, sheet: str) -> bool:
    """Whether a sheet has a cell with a value, or is one whose cells are unclear."""
    kept = b""
    with packed.open(sheet) as part:
        for _ in range(0, _SHEET, _BLOCK):
            block = part.read(_BLOCK)
            if _VALUE.search(kept + block):
                return True
            if not block:
                # Other programs give the elements a prefix.
                return not (b"<sheetData" in kept or b"</worksheet>" in kept)
            kept = block[-32:]
    return True


# -- PDF


def _pdf_fault(fd: int, size: int) -> Notice | None:
    if b"%PDF-" not in os.pread(fd, _PDF_MARK_WITHIN, 0):
        return says.BROKEN_DOCUMENT(kind="pdf", cause="it does not begin as one")
    if size > LARGEST_PDF:
        return None
    try:
        from pypdf import PdfReader  # noqa: PLC0415 - a large library, which not all have
    except ImportError:
        return None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(os.pread(fd, size, 0)))
        # Many documents that may only be read and not changed open without a password.
        if reader.is_encrypted and not reader.decrypt(""):
            return says.LOCKED()
        return None if _may_have_text(reader) else says.SCANNED()
    except Exception:
        return None


def _may_have_text(reader: Any) -> bool:
    """Whether anything on any page writes text; in most documents the first page does."""
    pages = reader.pages
    if not 0 < len(pages) <= MOST_PAGES:
        return True
    return any(_page_writes(page) for page in pages)


def _page_writes(page: Any) -> bool:
    if "/Annots" in page:
        return True
    contents = page.get_contents()
    written = contents is not None and _WRITES.search(contents.get_data()) is not None
    return written or _drawings_write(page.get("/Resources"), 0)


def _drawings_write(resources: Any, depth: int) -> bool:
    """Whether a drawing on a page writes text, or one within it."""
    found = resources.get_object().get("/XObject") if resources is not None else None
    drawings = [each.get_object() for each in found.get_object().values()] if found else []
    return any(_drawing_writes(each, depth) for each in drawings if each.get("/Subtype") == "/Form")


def _drawing_writes(drawing: Any, depth: int) -> bool:
    if depth > DEEPEST or _WRITES.search(drawing.get_data()):
        return True
    return _drawings_write(drawing.get("/Resources"), depth + 1)
