"""The zip container of Office documents: unpacked once for its size, before a library opens it.

What its directory says of sizes is not believed: a library unpacks a part whole.
"""

from __future__ import annotations

import io
import zipfile
from copy import copy
from typing import Final

from . import ExtractionError
from .bounds import MEMBERS, UNPACKED, BoundError, megabytes

_ENTRY: Final = b"PK\x01\x02"
_BLOCK: Final = 1 << 16
_ENDLESS: Final = 1 << 60
_ENCRYPTED: Final = 1
# The methods Office documents may use; others unpack without measure.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def check_container(content: bytes, extension: str) -> None:
    """Refuse a container that does not unpack to what it says, or to more than a bound.

    Args:
        content: the whole file.
        extension: `docx` or `xlsx`.

    Raises:
        ExtractionError: it is none, encrypted, broken, or passes a bound.
    """
    # Counted in the bytes: the directory of a container is read whole.
    if content.count(_ENTRY) > MEMBERS:
        raise BoundError(f"it has more than {MEMBERS:,} parts")
    with zipfile.ZipFile(io.BytesIO(content)) as container:
        rest = UNPACKED[extension]
        for part in container.infolist():
            rest -= _unpacked(container, part, rest)
            if rest < 0:
                raise BoundError(f"its parts unpack to more than {megabytes(UNPACKED[extension])}")


def _unpacked(container: zipfile.ZipFile, part: zipfile.ZipInfo, most: int) -> int:
    """How many bytes a part unpacks to; one more than `most` stands for any larger size."""
    if part.flag_bits & _ENCRYPTED:
        raise ExtractionError("File has not been decrypted")
    if part.compress_type not in _METHODS:
        raise ExtractionError(f"{part.filename} is packed in a way that Office documents are not")
    # Under its own size, reading would end there, however much follows.
    endless = copy(part)
    endless.file_size = _ENDLESS
    size = 0
    with container.open(endless) as packed:
        while size <= most and (block := packed.read(_BLOCK)):
            size += len(block)
    if size <= most and size != part.file_size:
        raise ExtractionError(f"Bad CRC-32 for file {part.filename!r}: its size is another one")
    return size
