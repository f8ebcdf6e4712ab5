"""Findings of verbs that look and change nothing: their levels, and how they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsync.messages import Exit, Notice


def wrong(notice: Notice) -> bool:
    """Whether something has to be corrected."""
    return notice.message.exit is not Exit.OK


def level(notice: Notice) -> str:
    """Return ``error``, ``warning`` or ``ok``: a notice without a next step only tells."""
    return "error" if wrong(notice) else "warning" if notice.next else "ok"


def as_rows(found: Sequence[Notice]) -> list[dict[str, str]]:
    """Return findings as JSON has them."""
    return [{"level": level(n), "code": n.code, "text": n.text, "next": n.next} for n in found]


def lines(found: Sequence[Notice]) -> Iterator[str]:
    """Yield one line for each finding, what to do next under those that need it, and the sum."""
    following = ""
    for notice in found:
        if following and notice.next != following:
            yield f"  next: {following}"
        following = notice.next
        yield f"{level(notice)}: {notice}"
    if following:
        yield f"  next: {following}"
    count = sum(map(wrong, found))
    yield f"{count} to correct" if count else "sound"
