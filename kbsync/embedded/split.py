"""Cutting a text into chunks (docs/dify-api.md sections 4.5 and 16). Lengths are characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

SEPARATORS: Final = ("\n\n", "\u3002", ". ", " ", "")


def split_at(separator: str, text: str, *, longest: int, overlap: int) -> list[str]:
    """Cut at every separator; only pieces longer than `longest` are cut further.

    The separator is read the way the real server reads it: `\\n` written out is a newline, and
    one outside ASCII never matches.
    """
    cut = _unescape(separator)
    pieces = text.split(cut) if cut else [text]
    chunks: list[str] = []
    for piece in pieces:
        if len(piece) <= longest:
            chunks.append(piece)
        else:
            chunks.extend(split_recursively(piece, longest=longest, overlap=overlap))
    return chunks


def split_recursively(
    text: str, *, longest: int, overlap: int, separators: Sequence[str] = SEPARATORS
) -> list[str]:
    """Cut at the coarsest separator there is, and join neighbours up to `longest` again."""
    separator = next(s for s in separators if not s or s in text)
    if not separator:
        return list(_windows(text, longest=longest, overlap=overlap))
    finer = separators[separators.index(separator) + 1 :]
    chunks: list[str] = []
    fitting: list[str] = []
    for piece in text.split(separator):
        if len(piece) <= longest:
            fitting.append(piece)
            continue
        chunks += _join(fitting, separator, longest=longest, overlap=overlap)
        fitting = []
        chunks += split_recursively(piece, longest=longest, overlap=overlap, separators=finer)
    return chunks + _join(fitting, separator, longest=longest, overlap=overlap)


def _join(pieces: list[str], separator: str, *, longest: int, overlap: int) -> list[str]:
    """Neighbouring pieces joined up to `longest`, each chunk repeating the end of the last."""
    chunks: list[str] = []
    current: list[str] = []
    length = 0
    for piece in pieces:
        grown = length + len(piece) + (len(separator) if current else 0)
        if current and grown > longest:
            chunks.append(separator.join(current))
            while current and (length > overlap or length + len(separator) + len(piece) > longest):
                length -= len(current.pop(0)) + (len(separator) if current else 0)
        length += len(piece) + (len(separator) if current else 0)
        current.append(piece)
    if current:
        chunks.append(separator.join(current))
    return chunks


def _windows(text: str, *, longest: int, overlap: int) -> Iterator[str]:
    step = longest - overlap
    for start in range(0, max(len(text) - overlap, 1), step):
        yield text[start : start + longest]


def _unescape(separator: str) -> str:
    try:
        return separator.encode().decode("unicode_escape")
    except UnicodeDecodeError:
        return separator
