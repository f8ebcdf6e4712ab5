"""Files with nothing in them: a byte order mark alone, blanks alone, both.

A knowledge base would make no chunk of one, as of a file without a byte.
"""

from __future__ import annotations

import os
import re

from kbsync.source.classify import FileEntry
from kbsync.source.encoding import byte_order_mark
from kbsync.source.payload import open_file

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
    text = content.decode(byte_order_mark(content) or "utf-8", "replace")
    return _NOTHING.fullmatch(text) is not None
