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
# How much is looked for of an end that was cut off: cleaning may have changed some of it.
TAILS = (400, 200, 100, 40, 20)
MOST_LINE_ENDS = 2


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


def missing_end(end: str, chunks: str, missing: int) -> str | None:
    """Return what follows a text that was cut off, as its chunks have it.

    Args:
        end: the last characters that came.
        chunks: the text, put together from its chunks.
        missing: characters that did not come, as the server counts them.

    Returns:
        None where the chunks do not have exactly so much behind exactly this. Line ends at the end,
        which chunks do not have, are added.
    """
    whole = chunks.rstrip()
    for line_ends in range(min(missing, MOST_LINE_ENDS) + 1):
        start = len(whole) - (missing - line_ends)
        for length in TAILS:
            tail = end[-length:]
            if start >= len(tail) > 0 and whole.endswith(tail, 0, start):
                return whole[start:] + "\n" * line_ends
    return None


def behind_end(end: str, chunks: str) -> str | None:
    """Return what stands behind the end of a text in its chunks, where it stands there but once.

    Args:
        end, chunks: as for `missing_end`; blanks at the end of `end` do not count.
    """
    whole, met = chunks.rstrip(), end.rstrip()
    for length in TAILS:
        tail = met[-length:]
        if tail and (times := whole.count(tail)):
            return whole[whole.find(tail) + len(tail) :] if times == 1 else None
    return None
