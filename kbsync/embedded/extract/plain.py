"""Plain text, and the guess of a charset that every text type needs."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes


def read(content: bytes) -> list[str]:
    """The text of a plain text file."""
    return [decode(content)]


def decode(content: bytes) -> str:
    """The characters of the bytes, with `\\n` line ends. Never fails (section 4.11).

    UTF-8 is taken as it is, its byte order mark included; for anything else the charset is
    guessed and may be guessed wrong.
    """
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = _guess(content)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _guess(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and len(content) % 2 == 0:
        return content.decode("utf-16", "replace")

    best = from_bytes(content).best()
    return content.decode("utf-8", "replace") if best is None else str(best)
