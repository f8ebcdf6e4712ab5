"""Documents that no server can read, known by a look at their bytes: locked, scanned, or broken.

A fault is named only where it is certain; whatever is in doubt is sent, and the server decides. Of
most documents a few kilobytes are read; PDF is looked into where the library for it is installed.
So a file that is made to attack whoever opens it is sent as well: what takes too much is in doubt.
"""

from __future__ import annotations

import os
import re
import zipfile
from typing import IO

from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source import pdf_program
from kbsync.source.encoding import blocks
from kbsync.source.pdf_look import LOOK

OFFICE = frozenset({"docx", "xlsx", "pptx"})
ZIPPED = OFFICE | {"epub"}
LARGEST_PDF = 64 << 20
LARGEST_DIRECTORY = 2 << 20
"""Bytes of a zip file's directory: twenty thousand parts. A larger one is not read."""
MOST_SHEETS = 100
"""Sheets of a workbook that are looked into for a value."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_PART = "EncryptedPackage".encode("utf-16-le")
# No pattern of an end far away: each `<v` of a sheet of those would look for it.
_VALUE = re.compile(rb"<v(?:\s[^<>/]{0,99})?>[^<]|<is[ >]")
_DIRECTORY = {"epub": "META-INF/container.xml"}
_CONTENT_TYPES = "[Content_Types].xml"
_BLOCK = 1 << 16
_PDF_MARK_WITHIN = 1024
_SHEET = 1 << 22
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # others unpack without measure


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
    return _zip_fault(fd, ending) if ending in ZIPPED else None


# -- Office documents and books: folders in a zip file


def _zip_fault(fd: int, ending: str) -> Notice | None:
    start = os.pread(fd, len(_OLE), 0)
    if start == _OLE:
        return _old_format(fd, ending)
    with os.fdopen(os.dup(fd), "rb") as file:
        try:
            with zipfile.ZipFile(_Measured(file)) as packed:
                return _part_fault(packed, ending)
        except zipfile.BadZipFile:
            return says.BROKEN_DOCUMENT(kind=ending, cause="it is no zip file, or was cut off")
        # A directory that was made for it sends the library anywhere.
        except Exception:
            return None


class _Measured:
    """A file of which no large piece is read at once, as a directory is.

    Args:
        file: it.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            ValueError: they are too many.
        """
        data = self._file.read(min(size, LARGEST_DIRECTORY + 1) if size >= 0 else -1)
        if len(data) > LARGEST_DIRECTORY:
            raise ValueError("a directory of that size is not read")
        return data


def _old_format(fd: int, ending: str) -> Notice | None:
    """Tell a document with a password from one in the old format under a new name."""
    if ending not in OFFICE:
        return says.BROKEN_DOCUMENT(kind=ending, cause="it is an old Office document")
    if _holds(fd, _LOCKED_PART):
        return says.LOCKED()
    return says.BROKEN_DOCUMENT(kind=ending, cause="it is in the format of old Office versions")


def _holds(fd: int, what: bytes) -> bool:
    kept = b""
    for block in blocks(fd):
        if what in kept + block:
            return True
        kept = block[-len(what) :]
    return False


def _part_fault(packed: zipfile.ZipFile, ending: str) -> Notice | None:
    names = set(packed.namelist())
    wanted = _DIRECTORY.get(ending, _CONTENT_TYPES)
    if wanted not in names:
        return says.BROKEN_DOCUMENT(kind=ending, cause=f"{wanted} is missing in it")
    if any(part.flag_bits & 1 for part in packed.infolist()):
        return says.LOCKED()
    sheets = sorted(name for name in names if name.startswith("xl/worksheets/sheet"))
    if ending != "xlsx" or not 0 < len(sheets) <= MOST_SHEETS:
        return None
    return None if any(_has_values(packed, name) for name in sheets) else says.NO_VALUES()


def _has_values(packed: zipfile.ZipFile, sheet: str) -> bool:
    """Whether a sheet has a cell with a value, or is one whose cells are unclear."""
    if packed.getinfo(sheet).compress_type not in _METHODS:
        return True
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
    found = LOOK.of(fd, size)
    if found == pdf_program.LOCKED:
        return says.LOCKED()
    return says.SCANNED() if found == pdf_program.NO_TEXT else None
