"""Whether the end of a text was cut off: servers give out as many bytes as it has characters.

docs/dify-api.md 6.6. Only texts with letters beyond ASCII are hit.
"""

from __future__ import annotations

import codecs
from typing import NamedTuple

from kbsync.app.export.folder import Part

# What is kept of the end, to be looked for in the chunks.
KEPT = 400


class TextLook(NamedTuple):
    """What a text looks like whose end may be missing.

    Args:
        characters: that are whole.
        torn: bytes at the end that are the beginning of one more.
        end: the last characters.
    """

    characters: int
    torn: int
    end: str


def look_at(part: Part) -> TextLook | None:
    """Read a text; None where no end can be missing: it is ASCII, or not UTF-8 at all."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    characters, end = 0, ""
    try:
        for block in part.blocks():
            text = decoder.decode(block)
            characters += len(text)
            end = (end + text)[-KEPT:]
    except UnicodeDecodeError:
        return None
    if characters == part.size:
        return None
    return TextLook(characters, torn=len(decoder.getstate()[0]), end=end)
