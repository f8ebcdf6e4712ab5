"""Cutting a text into chunks (docs/dify-api.md sections 4.5 and 16). Lengths are characters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

SEPARATORS: Final = ("\n\n", "\u3002", ". ", " ", "")
_BLANKS: Final = re.compile(" +")


def split_at(separator: str, text: str, *, longest: int, overlap: int) -> list[str]:
    """Cut at every separator, as a custom rule does; only longer pieces are cut further.

    The separator is read the way the real server reads it: `\\n` written out is a newline, and
    one outside ASCII never matches.

    Raises:
        UnicodeDecodeError: the separator ends in a backslash, or in half an escape.
    """
    cut = separator.replace("\\n", "\n").encode().decode("unicode_escape")
    chunks: list[str] = []
    for piece in text.split(cut) if cut else [text]:
        if len(piece) <= longest:
            chunks.append(piece)
        else:
            chunks += _split_long(piece, longest=longest, overlap=overlap)
    return chunks


def split_automatically(
    text: str, *, longest: int, overlap: int, separators: Sequence[str] = SEPARATORS
) -> list[str]:
    """Cut at the coarsest separator there is, and join neighbours up to `longest` again.

    A text without any of them is taken apart into characters, which loses its newlines.
    """
    # The real server looks for `. ` as a pattern, so any character before a space counts.
    separator = next(s for s in separators if re.search(s, text))
    pieces = _keeping(separator, text)
    finer = separators[separators.index(separator) + 1 :]
    return _refine(pieces, finer, longest=longest, overlap=overlap)


def _split_long(text: str, *, longest: int, overlap: int) -> list[str]:
    """What becomes of a custom rule's piece that is too long: cut at spaces, it loses them."""
    separator = next(s for s in SEPARATORS if s in text)
    if not separator:
        return list(_windows(text.replace("\n", ""), longest=longest, overlap=overlap))
    pieces = _BLANKS.split(text) if separator == " " else _keeping(separator, text)
    finer = SEPARATORS[SEPARATORS.index(separator) + 1 :]
    told = [piece for piece in pieces if piece not in ("", "\n")]
    return _refine(told, finer, longest=longest, overlap=overlap)


def _keeping(separator: str, text: str) -> list[str]:
    """The pieces, each with its separator at the end; lone newlines and empty ones are lost."""
    if not separator:
        return [character for character in text if character != "\n"]
    *pieces, last = text.split(separator)
    found = [piece + separator for piece in pieces] + [last]
    return [piece for piece in found if piece not in ("", "\n")]


def _refine(
    pieces: Sequence[str], finer: Sequence[str], *, longest: int, overlap: int
) -> list[str]:
    """Join what is short enough, cut what is not at a finer separator."""
    chunks: list[str] = []
    fitting: list[str] = []
    for piece in pieces:
        if len(piece) < longest:
            fitting.append(piece)
            continue
        chunks += _join(fitting, longest=longest, overlap=overlap)
        fitting = []
        if finer:
            chunks += split_automatically(piece, longest=longest, overlap=overlap, separators=finer)
        else:
            chunks.append(piece)
    return chunks + _join(fitting, longest=longest, overlap=overlap)


def _join(pieces: Sequence[str], *, longest: int, overlap: int) -> list[str]:
    """Neighbouring pieces joined up to `longest`, each chunk repeating the end of the last."""
    chunks: list[str] = []
    current: list[str] = []
    length = 0
    for piece in pieces:
        if current and length + len(piece) > longest:
            chunks.append("".join(current).strip())
            while length > overlap or (length and length + len(piece) > longest):
                length -= len(current.pop(0))
        current.append(piece)
        length += len(piece)
    chunks.append("".join(current).strip())
    return [chunk for chunk in chunks if chunk]


def _windows(text: str, *, longest: int, overlap: int) -> Iterator[str]:
    """Runs of `longest` characters, each repeating the last `overlap` ones of the one before."""
    repeated = ""
    start = 0
    while start < len(text):
        end = start + max(1, longest - len(repeated))
        yield repeated + text[start:end]
        # The character that opens a later window is never repeated, however long the overlap.
        repeated = text[max(end - overlap, start + bool(start)) : end]
        start = end
