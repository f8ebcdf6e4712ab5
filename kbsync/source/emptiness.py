"""Files with nothing in them: a byte order mark alone, blanks alone, both.

A knowledge base would make no chunk of one, as of a file without a byte.
"""

from __future__ import annotations

import codecs
import os
import re

from kbsync.source.classify import FileEntry
from kbsync.source.payload import open_file

# The longer marks first: one of UTF-32 begins as one of UTF-16 does.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A larger file is not looked into for blanks alone.
LARGEST_BLANK = 4096
_NOTHING = re.compile(r"[\s\x00-\x1f\x7f\ufeff\ufffe]*")


def is_blank(root: int, found: FileEntry) -> bool:
    """Whether a small file has nothing in it; False for what cannot be read now.

    Args:
        root: descriptor of the source.
        found: the file.
    """
    if found.row[1] > LARGEST_BLANK:
        return False
    try:
        with open_file(root, found.steps) as file:
            content = os.pread(file.fd, LARGEST_BLANK + 1, 0)
    except OSError:
        return False
    return 0 < len(content) <= LARGEST_BLANK and holds_nothing(content)


def holds_nothing(content: bytes) -> bool:
    """Whether the bytes of a file are marks, blanks and control characters alone."""
    marked = (encoding for mark, encoding in _MARKS if content.startswith(mark))
    text = content.decode(next(marked, "utf-8"), "replace")
    return _NOTHING.fullmatch(text) is not None
