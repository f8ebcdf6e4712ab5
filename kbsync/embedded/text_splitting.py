"""Text to pieces: cleaning, cutting, and the normal form in which a piece is stored.

docs/dify-api.md sections 4.5 and 16. Lengths are characters.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
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
# The first half is taken where the second is missing, too: it would be tried at each letter.
_MAIL: Final = re.compile(r"[a-zA-Z0-9_.+-]+(@[a-zA-Z0-9-]+\.[a-zA-Z0-9.-]+)?")
_ADDRESS: Final = re.compile(r"https?://\S+")
_LINK_END: Final = re.compile(r"\]\(http")
_TARGET: Final = re.compile(r"\]\(https?://[^)]+\)")


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
            text = _MAIL.sub(lambda found: "" if found[1] else found[0], text)
            text = _without_addresses(text)
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

    text = _replaced(text, "[", "]", lambda link, _: set_aside(link))
    # A picture that is no link has a bracket in its description, and loses the description.
    text = _replaced(text, "![", "\n", lambda _, target: set_aside(f"![image{target}"))
    return re.sub("\x00(\\d+)\x00", lambda found: kept[int(found[1])], _ADDRESS.sub("", text))


def _replaced(text: str, opening: str, reset: str, replacement: Callable[[str, str], str]) -> str:
    """The text with something in the place of each link.

    Args:
        text: of a document.
        opening: what a link begins with.
        reset: what cannot stand between that and its target.
        replacement: called with the link and with its target.
    """
    pieces, start = [], 0
    for first, target in _links(text, opening, reset):
        whole = text[first : target.end()]
        pieces += [text[start:first], replacement(whole, target[0])]
        start = target.end()
    return "".join([*pieces, text[start:]])


def _links(text: str, opening: str, reset: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Where each link begins, and its target.

    They are found from their targets: a pattern for the whole would look for the end of each
    bracket, in a text of brackets alone for hours.
    """
    first, seen, last = -1, 0, text.rfind(")")
    for end in (found.start() for found in _LINK_END.finditer(text, 0, max(last, 0))):
        if end < seen:
            continue
        if (nearest := text.rfind(reset, seen, end)) >= 0:
            first, seen = -1, nearest + 1
        if first < 0:
            first = text.find(opening, seen, end)
        seen = end
        if first >= 0 and (target := _TARGET.match(text, end)):
            yield first, target
            first, seen = -1, target.end()


def split_at(
    separator: str, text: str, *, longest: int, overlap: int, spared: bool = False
) -> Iterator[str]:
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
    for piece in _between(re.compile(re.escape(cut)), text) if cut else [text]:
        if len(piece) <= longest:
            yield piece
        else:
            yield from _split_long(piece, longest=longest, overlap=overlap, spared=spared)


def split_automatically(
    text: str, *, longest: int, overlap: int, separators: Sequence[str] = SEPARATORS
) -> Iterator[str]:
    """Cut at the coarsest separator there is, and join neighbours up to `longest` again.

    A text without any of them is taken apart into characters, which loses its newlines.
    """
    # The real server looks for `. ` as a pattern, so any character before a space counts.
    separator = next(s for s in separators if re.search(s, text))
    finer = separators[separators.index(separator) + 1 :]
    return _refine(_keeping(separator, text), finer, longest=longest, overlap=overlap)


def _split_long(text: str, *, longest: int, overlap: int, spared: bool) -> Iterator[str]:
    """What becomes of a custom rule's piece that is too long: cut at spaces, it can lose them."""
    separator = next(s for s in SEPARATORS if s in text)
    if not separator:
        return _windows(text.replace("\n", ""), longest=longest, overlap=overlap)
    if separator == " ":
        pieces = _keeping(" ", _BLANKS.sub(" ", text)) if spared else _between(_BLANKS, text)
    else:
        pieces = _keeping(separator, text)
    finer = SEPARATORS[SEPARATORS.index(separator) + 1 :]
    kept = (piece for piece in pieces if piece not in ("", "\n"))
    return _refine(kept, finer, longest=longest, overlap=overlap)


# A large text has millions of pieces: they are cut one by one, and never all there at once.


def _between(separator: re.Pattern[str], text: str) -> Iterator[str]:
    """The pieces of a text without what separates them."""
    start = 0
    for found in separator.finditer(text):
        yield text[start : found.start()]
        start = found.end()
    yield text[start:]


def _keeping(separator: str, text: str) -> Iterator[str]:
    """The pieces, each with its separator at the end; lone newlines and empty ones are lost."""
    if not separator:
        yield from (character for character in text if character != "\n")
        return
    start = 0
    while start < len(text):
        found = text.find(separator, start)
        end = len(text) if found < 0 else found + len(separator)
        if (piece := text[start:end]) != "\n":
            yield piece
        start = end


def _refine(
    pieces: Iterable[str], finer: Sequence[str], *, longest: int, overlap: int
) -> Iterator[str]:
    """Join what is short enough, cut what is not at a finer separator."""
    joined = _Joined(longest, overlap)
    for piece in pieces:
        if len(piece) < longest:
            yield from joined.add(piece)
            continue
        yield from joined.rest()
        if finer:
            yield from split_automatically(
                piece, longest=longest, overlap=overlap, separators=finer
            )
        else:
            yield piece
    yield from joined.rest()


class _Joined:
    """Neighbouring pieces joined up to `longest`, each chunk repeating the end of the last."""

    def __init__(self, longest: int, overlap: int) -> None:
        self._longest, self._overlap = longest, overlap
        self._pieces: deque[str] = deque()
        self._length = 0

    def add(self, piece: str) -> Iterator[str]:
        """Add a piece; yield the chunk that has no room for it, if it is not blank."""
        if self._pieces and self._length + len(piece) > self._longest:
            if chunk := "".join(self._pieces).strip():
                yield chunk
            # Its end opens the next one, as far as the next piece leaves room.
            while self._length > self._overlap or self._overflows(piece):
                self._length -= len(self._pieces.popleft())
        self._pieces.append(piece)
        self._length += len(piece)

    def rest(self) -> Iterator[str]:
        """Yield the last chunk, and begin anew."""
        if chunk := "".join(self._pieces).strip():
            yield chunk
        self._pieces.clear()
        self._length = 0

    def _overflows(self, piece: str) -> bool:
        return bool(self._length) and self._length + len(piece) > self._longest


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
