"""Reading a listing to its end, and knowing whether it stood still meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kbsync.dify.schemas import ListPage
from kbsync.messages import remote as messages
from kbsync.model import Done, NotReady, Outcome

T = TypeVar("T")

TRIES = 3


async def whole(
    page: Callable[[int], Awaitable[Outcome[ListPage[T]]]], id_of: Callable[[T], str]
) -> Outcome[tuple[T, ...]]:
    """Return all rows of a listing, each once.

    Rows shift while others create or delete (docs/dify-api.md 1.4, section 16): a reading counts
    only if `total` stayed the same and equals the distinct ids. After three tries: `NotReady`.

    Args:
        page: asks for a page by number, from 1.
        id_of: what tells rows apart.
    """
    for _ in range(TRIES):
        rows, total, moved = dict[str, T](), None, False
        number = 1
        while total is None or len(rows) < total:
            outcome = await page(number)
            if not isinstance(outcome, Done):
                return outcome
            listing = outcome.value
            moved = moved or total not in (None, listing.total)
            total = listing.total
            before = len(rows)
            rows.update((id_of(row), row) for row in listing.rows)
            if len(rows) == before or moved:
                break
            number += 1
        if not moved and len(rows) == total:
            return Done(tuple(rows.values()))
    return NotReady(messages.LISTING_MOVED(what="read listing"), 1.0)
