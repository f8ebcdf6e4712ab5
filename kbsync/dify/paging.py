"""Pages of a listing: what is sent for one, and how all of them are read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from kbsync.dify.schemas import ListPage
from kbsync.messages import remote as messages
from kbsync.model import Done, Gone, NotReady, Outcome

# The server cuts a larger limit down to this without saying so (docs/dify-api.md 1.4).
PAGE_LIMIT = 100
TRIES = 3


class HasId(Protocol):
    """A row of a listing."""

    @property
    def id(self) -> str:
        """What tells rows apart."""
        ...


class HasName(HasId, Protocol):
    """A row that can be looked for by name."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


R = TypeVar("R", bound=HasId)
N = TypeVar("N", bound=HasName)
GetPage = Callable[[int], Awaitable[Outcome[ListPage[R]]]]


def page_params(
    page: int, limit: int, keyword: str = "", status: str | None = None
) -> dict[str, str | int]:
    """Return the query of one page.

    Args:
        page: from 1.
        limit: rows, 1 to 100.
        keyword: empty for every row.
        status: None for every row.
    """
    params: dict[str, str | int] = {"page": page, "limit": max(1, min(limit, PAGE_LIMIT))}
    if keyword:
        params["keyword"] = keyword
    if status:
        params["status"] = status
    return params


async def all_rows(get_page: GetPage[R]) -> Outcome[tuple[R, ...]]:
    """Return all rows of a listing, each once.

    Rows shift while others create or delete (docs/dify-api.md 1.4, section 16): a reading counts
    only if `total` stayed the same and equals the distinct ids. After three tries: `NotReady`.
    """
    for _ in range(TRIES):
        rows, total, moved = dict[str, R](), None, False
        number = 1
        while total is None or len(rows) < total:
            outcome = await get_page(number)
            if not isinstance(outcome, Done):
                return outcome
            listing = outcome.value
            moved = moved or total not in (None, listing.total)
            total = listing.total
            before = len(rows)
            rows.update((row.id, row) for row in listing.rows)
            # No new row: the total promises more than there is, and the next page would too.
            if len(rows) == before or moved:
                break
            number += 1
        if not moved and len(rows) == total:
            return Done(tuple(rows.values()))
    return NotReady(messages.LISTING_MOVED(what="read listing"), 1.0)


async def rows_named(name: str, get_page: GetPage[N]) -> Outcome[tuple[N, ...]]:
    """Return every row of exactly this name.

    The server's search takes ``%`` and ``_`` for wildcards and ignores case: it finds more than
    was asked for, never less.

    Args:
        name: what `get_page` was made to search for.
        get_page: gets a page of the search, by number.
    """
    found = await all_rows(get_page)
    if not isinstance(found, Done):
        return found
    return Done(tuple(row for row in found.value if row.name == name))


async def row_of(id: str, get_page: GetPage[R]) -> Outcome[R]:
    """Return the row of this id, `Gone` if the whole listing does not have it."""
    found = await all_rows(get_page)
    if not isinstance(found, Done):
        return found
    row = next((row for row in found.value if row.id.lower() == id.lower()), None)
    return Gone() if row is None else Done(row)
