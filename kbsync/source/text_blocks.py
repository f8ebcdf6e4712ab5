"""A text as the blocks it consists of, read piece by piece: no more is held than a window of it.

What is held grows only with the longest block.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kbsync.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

# Characters that are looked at together at least.
WINDOW = 1 << 16

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe]")
_BLANK_LINES = re.compile(r"\n[ \t]*\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of text that is kept whole where it fits; `heading`: it begins a chunk."""

    text: str
    heading: bool = False


# Takes what is held of a text, and whether it is the last of it; returns the blocks in it that
# nothing behind it can change, and what is left.
_Finished = Callable[[str, bool], tuple[Sequence[Block], str]]


def blocks_of(pieces: Iterable[str], *, markdown: bool, window: int = WINDOW) -> Iterator[Block]:
    """Yield the blocks of a text, without what servers drop of any text.

    Args:
        pieces: the text, cut anywhere.
        markdown: its headings, fences, tables and lists are known as such; otherwise blocks are
            what stands between blank lines.
        window: characters that are looked at together at least.
    """
    finished = _markdown(_parser()) if markdown else _paragraphs
    return _streamed(_clean(_whole_lines(pieces)), finished, window)


def _clean(runs: Iterable[str]) -> Iterator[str]:
    for run in runs:
        yield _CONTROL.sub("", run).replace("<|", "<").replace("|>", ">")


def _whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the text in runs of whole lines, with one kind of line end."""
    ends, begun = io.IncrementalNewlineDecoder(None, translate=True), list[str]()
    for piece in pieces:
        text = ends.decode(piece)
        cut = text.rfind("\n") + 1
        if cut:
            yield "".join((*begun, text[:cut]))
            begun = []
        begun.append(text[cut:])
    yield "".join((*begun, ends.decode("", final=True)))


def _streamed(runs: Iterable[str], finished: _Finished, window: int) -> Iterator[Block]:
    held, size, wanted = list[str](), 0, window
    for run in runs:
        held.append(run)
        size += len(run)
        if size >= wanted:
            blocks, rest = finished("".join(held), False)
            yield from blocks
            # A block that is longer than this is looked at again once it is twice as long.
            held, size, wanted = [rest], len(rest), max(window, 2 * len(rest))
    yield from finished("".join(held), True)[0]


def _paragraphs(text: str, last: bool) -> tuple[Sequence[Block], str]:
    *whole, rest = _BLANK_LINES.split(text)
    if last:
        whole, rest = [*whole, rest], ""
    return [Block(piece) for piece in whole if piece.strip()], rest


def _markdown(parser: MarkdownIt) -> _Finished:
    def finished(text: str, last: bool) -> tuple[Sequence[Block], str]:
        """Return the outermost blocks, each with its own lines.

        Every block but the last one is finished: another one began behind it. A parser that begins
        where a block begins finds the same blocks from there on.
        """
        lines = text.split("\n")
        outermost = [
            (token.map[0], token.map[1], token.type == "heading_open")
            for token in parser.parse(text)
            if token.level == 0 and token.map is not None and token.nesting >= 0
        ]
        left = len(lines) if last else outermost.pop()[0] if outermost else 0
        pieces = (("\n".join(lines[a:b]).strip("\n"), heading) for a, b, heading in outermost)
        blocks = [Block(piece, heading) for piece, heading in pieces if piece.strip()]
        return blocks, "\n".join(lines[left:])

    return finished


def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - loaded where chunks are cut

    # What stands within a block decides nothing here.
    return MarkdownIt("commonmark").enable("table").disable(["inline", "text_join"])
