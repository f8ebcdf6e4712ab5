"""What happens to a file name on its way in (docs/dify-api.md sections 4.8 and 4.9)."""

from __future__ import annotations

import os.path
from typing import Final

REFUSED_CHARACTERS: Final = frozenset('/\\:*?"<>|')
LONGEST: Final = 200
EXTENSIONS: Final = frozenset(
    {"txt", "markdown", "md", "mdx", "pdf", "html", "htm", "xlsx", "xls", "docx", "csv", "vtt"}
    | {"properties"}
)


def extension_of(name: str) -> str:
    """The lower-cased extension without its dot; empty when there is none (`.md` has none)."""
    return os.path.splitext(name)[1].lstrip(".").lower()  # noqa: PTH122 - a name, not a path


def is_refused(name: str) -> bool:
    """Whether the name holds a character no file name may have."""
    return not REFUSED_CHARACTERS.isdisjoint(name)


def shorten(name: str, extension: str) -> str:
    """The stored name: one longer than 200 characters is cut at its first dot."""
    if len(name) <= LONGEST:
        return name
    return f"{name.split('.', 1)[0][:LONGEST]}.{extension}"
