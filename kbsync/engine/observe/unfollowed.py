"""Documents that the server indexes and this process does not follow: an earlier one sent them.

They are of another mirror on the base, whose turn has not come, or of paths that a plan leaves out.
What such a task writes when it ends, it read when it began (docs/design.md section 7).
"""

from __future__ import annotations

from collections.abc import Iterator

from kbsync.engine.context import Context
from kbsync.engine.observe.standing import has_moved
from kbsync.model import Done, Gone, LedgerEntry, Readiness, Rejected
from kbsync.planning.standstill import STUCK_AFTER


class Unfollowed:
    """Asks the server about them. What was seen to have ended is not asked for again."""

    def __init__(self) -> None:
        self._ended: set[tuple[str, str | None]] = set()

    async def any_begun(self, context: Context) -> bool:
        """Whether one of them has begun and may yet end.

        One that waits has not read anything. One that has not moved for long has no worker.
        """
        for entry in self._among(context):
            if await _is_begun(context, entry):
                return True
            self._ended.add((entry.document_id, entry.batch))
        return False

    def _among(self, context: Context) -> Iterator[LedgerEntry]:
        followed = context.room.taken()
        for entry in context.ledger.under_way(context.mirror.name):
            ended = (entry.document_id, entry.batch) in self._ended
            if entry.key not in followed and not ended:
                yield entry


async def _is_begun(context: Context, entry: LedgerEntry) -> bool:
    outcome = await context.remote.document(context.base_id or "", entry.document_id)
    if isinstance(outcome, Gone | Rejected):
        return False
    if not isinstance(outcome, Done):
        return True  # it is asked for again
    if outcome.value.readiness is not Readiness.INDEXING:
        return False
    moved_at = entry.progress_at or entry.sent_at
    if moved_at is None or context.clock.now() - moved_at < STUCK_AFTER:
        return True
    return await has_moved(context, entry)
