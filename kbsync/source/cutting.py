"""A text cut into chunks here, so that an edit changes the chunks it is in and few beside them.

Blocks (headings, paragraphs, fences, tables, lists) are kept whole where they fit. A heading begins
a chunk. Where several blocks fit into one chunk, some of them end it by their own content alone, so
that chunks far from an edit are cut as before, however the lengths moved.

What is cut is in the form in which servers store a chunk (docs/dify-api.md section 16): the same
text comes back from an upload as from a chunk that is added by itself.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator

from kbsync.model.document_rule import CHUNK_SEPARATOR
from kbsync.source.text_blocks import Block, blocks_of

REVISION = "cut-1"
"""Of these rules: another one cuts every document anew."""
ENDS_ONE_IN = 4

# Servers cut this from the beginning of a chunk, old ones the brackets too; a link they spare.
_LEADING = re.compile(
    "[\\[\\]\"#$%&'()*+,./:;<=>?@^_`~"
    "\u2000-\u2025\u2027-\u206f\u2e00-\u2e7f\u3000-\u300f\u3011-\u303f]+"
)
_LINK = re.compile(r"\[[^\]]+\]\(https?://[^)]+\)")
_MARK = re.compile(rf"^{re.escape(CHUNK_SEPARATOR.strip())}$", re.MULTILINE)
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+|\n")


def chunks_of(pieces: Iterable[str], *, longest: int, markdown: bool) -> Iterator[str]:
    """Yield the chunks of a text, none of them empty.

    Args:
        pieces: the whole document, cut anywhere.
        longest: characters of a chunk at most.
        markdown: its headings, fences, tables and lists are known as such.
    """
    for chunk in _grouped(blocks_of(pieces, markdown=markdown), longest):
        if kept := stored_form(chunk):
            yield kept


def stored_form(chunk: str) -> str:
    """Return a chunk as servers store it: without the punctuation it begins with.

    A server that gets what is returned stores it unchanged. What follows a run of punctuation and a
    blank may begin with another run, which the server would cut in its turn.
    """
    kept = _begun(chunk)
    while (again := _begun(kept)) != kept:
        kept = again
    return kept


def _begun(chunk: str) -> str:
    begun = chunk.strip()
    leading = None if _LINK.match(begun) else _LEADING.match(begun)
    kept = begun[leading.end() if leading else 0 :].strip()
    # A line that is the separator would be one; more of the same sign means the same to Markdown.
    return _MARK.sub(lambda mark: mark[0] + mark[0][0], kept)


def _grouped(blocks: Iterable[Block], longest: int) -> Iterator[str]:
    """Yield chunks of whole blocks; a block that is too long makes several of its own."""
    held: list[str] = []
    only_headings = True
    for block in blocks:
        fits = sum(map(len, held)) + 2 * len(held) + len(block.text) <= longest
        if held and (not fits or (block.heading and not only_headings)):
            yield "\n\n".join(held)
            held, only_headings = [], True
        *whole, last = _pieces(block.text, longest)
        yield from whole
        held.append(last)
        only_headings = only_headings and block.heading
        if not block.heading and _ends(block.text):
            yield "\n\n".join(held)
            held, only_headings = [], True
    if held:
        yield "\n\n".join(held)


def _ends(text: str) -> bool:
    """Whether a block ends its chunk, by its content alone."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) % ENDS_ONE_IN == 0


def _pieces(text: str, longest: int) -> list[str]:
    """Return a block, cut at its lines and sentences where it is longer than a chunk may be."""
    if len(text) <= longest:
        return [text]
    pieces, held = [], ""
    for sentence in _sentences(text, longest):
        if held and len(held) + len(sentence) > longest:
            pieces.append(held)
            held = ""
        held += sentence
    return [*pieces, held] if held else pieces


def _sentences(text: str, longest: int) -> Iterator[str]:
    """Yield the sentences and lines of a text with what follows each, the long ones cut."""
    start = 0
    for end in (*(found.end() for found in _SENTENCE.finditer(text)), len(text)):
        yield from _windows(text[start:end], longest)
        start = end


def _windows(text: str, longest: int) -> Iterator[str]:
    start = 0
    while len(text) - start > longest:
        end = text.rfind(" ", start + 1, start + longest) + 1 or start + longest
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]
