"""A text put together from the chunks a server cut it into. Pure.

It is not the original: what the server removed before it cut is not there (docs/dify-api.md
section 16), and where two chunks meet only an exact overlap is known.
"""

from __future__ import annotations

from collections.abc import Mapping

BETWEEN = "\n\n"
# Fewer letters may end one chunk and begin the next by chance.
SHORTEST_OVERLAP = 8
AUTOMATIC_OVERLAP = 50
# What is looked for of an end that was cut off.
TAIL = 40


class Joining:
    """Puts chunks together, one after the other.

    Args:
        overlap: characters that neighbours may share.
    """

    def __init__(self, overlap: int) -> None:
        self._overlap = overlap
        self._before = ""

    def add(self, chunk: str) -> str:
        """Return what the next chunk adds to the text."""
        if not chunk:
            return ""
        before, self._before = self._before, chunk
        shared = shared_by(before, chunk, self._overlap)
        return chunk[shared:] if shared or not before else BETWEEN + chunk


def shared_by(before: str, after: str, overlap: int) -> int:
    """Return how many characters end `before` and begin `after`, at most `overlap`."""
    longest = min(len(before), len(after), overlap)
    for length in range(longest, SHORTEST_OVERLAP - 1, -1):
        if before.endswith(after[:length]):
            return length
    return 0


def overlap_of(rule: Mapping[str, object] | None) -> int:
    """Return how many characters neighbouring chunks may share by a process rule of the server."""
    if rule is None or rule.get("mode") == "automatic":
        return AUTOMATIC_OVERLAP
    rules = rule.get("rules")
    segmentation = rules.get("segmentation") if isinstance(rules, Mapping) else None
    found = segmentation.get("chunk_overlap") if isinstance(segmentation, Mapping) else None
    return found if isinstance(found, int) and found >= 0 else AUTOMATIC_OVERLAP


def missing_end(text: str, chunks: str) -> str | None:
    """Return what follows a text that was cut off, as its chunks have it.

    Args:
        text: as far as it came.
        chunks: the whole text, put together from its chunks.

    Returns:
        Empty when nothing is missing, None when the chunks do not tell.
    """
    whole, met = chunks.rstrip(), text.rstrip()
    for end in (met[-TAIL:], met[-TAIL // 2 :]):
        if end and (position := whole.rfind(end)) >= 0:
            # What was cut between two words is cut in front of the blank.
            return whole[position + len(end) :].removeprefix(text[len(met) :])
    return None
