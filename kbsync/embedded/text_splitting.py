"""Text to pieces: cleaning, cutting, and the normal form in which a piece is stored.

docs/dify-api.md sections 4.5 and 16. Lengths are characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

SEPARATORS: Final = ("\n\n", "\u3002", ". ", " ", "")
_BLANKS: Final = re.compile(" +")

_LINE_ENDS: Final = re.compile(r"\r\n?")
# The real server wrote the bytes of U+FFFE as three characters, and so drops those letters too.
_DROPPED: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\xef\xbf\xbe\ufffe]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe]")
# The ellipsis and the bracket that opens a lenticular pair are spared (U+2026, U+3010).
_LEADING: Final = re.compile(
    "[\\[\\]\"#$%&'()*+,./:;<=>?@^_`~"
    "\u2000-\u2025\u2027-\u206f\u2e00-\u2e7f\u3000-\u300f\u3011-\u303f]+"
)
# Newer versions spare every bracket.
_LEADING_SPARED: Final = re.compile(
    "[\"#$%&'()*+,./:;<=>?@^_`~\u2000-\u2025\u2027-\u206f\u2e00-\u2e7f\u3000-\u300f\u3012-\u303f]+"
)
_LINK: Final = re.compile(r"\[[^\]]+\]\(https?://[^)]+\)")

_MANY_LINES: Final = re.compile(r"\n{3,}")
_MANY_BLANKS: Final = re.compile("[\t\f\r \u00a0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]{2,}")
_MAIL: Final = re.compile(r"[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+")
_ADDRESS: Final = re.compile(r"https?://\S+")
_LINKED: Final = re.compile(r"\[[^\]]*\]\(https?://[^)]+\)")
_PICTURE: Final = re.compile(r"!\[.*?(\]\(https?://[^)]+\))")


def clean(text: str, steps: Iterable[str], *, spared: bool = False) -> str:
    """The whole text, cleaned before it is split.

    Args:
        text: as extracted from the file.
        steps: the pre-processing rules that are switched on, in the order of the request.
        spared: letters that old versions drop are kept.
    """
    text = _LINE_ENDS.sub("\n", text).replace("<|", "<").replace("|>", ">")
    text = (_CONTROL if spared else _DROPPED).sub("", text)
    for step in steps:
        if step == "remove_extra_spaces":
            text = _MANY_BLANKS.sub(" ", _MANY_LINES.sub("\n\n", text))
        elif step == "remove_urls_emails":
            text = _without_addresses(_MAIL.sub("", text))
    return text


def normal_form(chunk: str, *, spared: bool = False) -> str:
    """The chunk as it is stored: no leading run of punctuation, no blank ends; may be empty.

    Args:
        chunk: as it was cut.
        spared: brackets are kept.
    """
    # Cut first, stripped afterwards: blanks before the punctuation keep it in the chunk.
    pattern = _LEADING_SPARED if spared else _LEADING
    leading = None if _LINK.match(chunk) else pattern.match(chunk)
    return chunk[leading.end() if leading else 0 :].strip()


def _without_addresses(text: str) -> str:
    """The text without addresses; Markdown links and pictures are kept whole."""
    kept: list[str] = []

    def set_aside(whole: str) -> str:
        kept.append(whole)
        return f"\x00{len(kept) - 1}\x00"

    text = _LINKED.sub(lambda found: set_aside(found[0]), text)
    # A picture that `_LINKED` missed has a bracket in its description, and loses the description.
    text = _PICTURE.sub(lambda found: set_aside(f"![image{found[1]}"), text)
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], _ADDRESS.sub("", text))


def split_at(
    separator: str, text: str, *, longest: int, overlap: int, spared: bool = False
) -> list[str]:
    """Cut at every separator, as a custom rule does; only longer pieces are cut further.

    As on the real server a written-out `\\n` is a newline, and a separator outside ASCII never
    matches.

    Args:
        separator: where to cut.
        text: the cleaned text.
        longest: what a piece may have.
        overlap: what a piece repeats of the one before.
        spared: pieces that are too long keep their blanks.

    Raises:
        UnicodeDecodeError: the separator ends in a backslash, or in half an escape.
    """
    # Decoding UTF-8 bytes as escapes turns every other character into two or three.
    cut = separator.replace("\\n", "\n").encode().decode("unicode_escape")
    chunks: list[str] = []
    for piece in text.split(cut) if cut else [text]:
        if len(piece) <= longest:
            chunks.append(piece)
        else:
            chunks += _split_long(piece, longest=longest, overlap=overlap, spared=spared)
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


def _split_long(text: str, *, longest: int, overlap: int, spared: bool) -> list[str]:
    """What becomes of a custom rule's piece that is too long: cut at spaces, it can lose them."""
    separator = next(s for s in SEPARATORS if s in text)
    if not separator:
        return list(_windows(text.replace("\n", ""), longest=longest, overlap=overlap))
    if separator == " ":
        pieces = _keeping(" ", _BLANKS.sub(" ", text)) if spared else _BLANKS.split(text)
    else:
        pieces = _keeping(separator, text)
    finer = SEPARATORS[SEPARATORS.index(separator) + 1 :]
    kept = [piece for piece in pieces if piece not in ("", "\n")]
    return _refine(kept, finer, longest=longest, overlap=overlap)


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
            # The end of this chunk opens the next one, as far as the next piece leaves room.
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
