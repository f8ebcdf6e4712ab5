"""Which documents bear a name, proved before a create (docs/design.md section 5).

A complete listing proves every name for a minute. Afterwards names are searched for one by one,
until that was as dear as another listing: then the base is listed again.
"""

from __future__ import annotations

from pathlib import PurePosixPath

import anyio

from kbsync.engine.context import Context
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.remote_state import A_PAGE, keep_listing
from kbsync.engine.ports import ObservedListing
from kbsync.model import Done, RemoteDocument

HOLDS_FOR = 60.0
# What waits for a name waits for the pages, and they are kept in memory until all are read.
MOST_PAGES = 20


class NameProofs:
    """Tells which documents of a base bear a name.

    Args:
        context: of the mirror.
        listing: of this pass; None: every name is searched for.
    """

    def __init__(self, context: Context, listing: ObservedListing | None) -> None:
        self._context = context
        self._listing = listing
        self._searched = 0
        self._turn = anyio.Lock()

    async def bearers(self, name: str) -> tuple[RemoteDocument, ...]:
        """Return the documents that bear exactly `name`.

        Raises:
            Problem: the server could not be asked.
        """
        base_id = self._context.base_id
        if base_id is None:
            return ()
        if await self._listed():
            return self._context.ledger.listed_named(base_id, name)
        self._searched += 1
        outcome = await self._context.remote.named(base_id, name)
        if isinstance(outcome, Done):
            return outcome.value
        refuse(self._context.mirror, f"looking up {PurePosixPath(name).name}", outcome)

    async def _listed(self) -> bool:
        """Whether the ledger's listing proves names; it is renewed where that pays."""
        if self._listing is None or self._holds():
            return self._listing is not None
        async with self._turn:  # a create amid a listing would leave it incomplete
            if not self._holds() and self._pays():
                self._searched = 0
                self._listing = await keep_listing(self._context) or self._listing
            return self._holds()

    def _holds(self) -> bool:
        """Whether the ledger has every document of the base, as of a minute ago at most.

        Another mirror on the base may be listing it anew, or have done so.
        """
        kept = self._context.ledger.listing(self._context.base_id or "")
        if kept is None or self._listing is None or not kept.complete:
            return False
        age = self._context.clock.now() - kept.started_at
        return kept.started_at >= self._listing.started_at and age < HOLDS_FOR

    def _pays(self) -> bool:
        known = self._listing.documents if self._listing is not None else 0
        pages = -(-known // A_PAGE)
        return self._searched >= pages and pages <= MOST_PAGES
