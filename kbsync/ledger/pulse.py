"""What a server did with the documents that were sent to it, of all its bases and mirrors."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, case, func, or_, select

from kbsync.ledger.database import Database
from kbsync.ledger.tables import BINDINGS, ENTRIES
from kbsync.model import EntryState
from kbsync.planning.standstill import Pulse

_ENDED = or_(*(ENTRIES.c.state == each.value for each in (EntryState.SYNCED, EntryState.FAILED)))
_BEGAN = or_(_ENDED, ENTRIES.c.progress_at > ENTRIES.c.sent_at)
# That indexing begins is no move: a worker may begin everything and end nothing.
_MOVED = or_(_ENDED, ENTRIES.c.progress > 0)
_PULSE = (
    select(
        func.max(case((_ENDED, ENTRIES.c.sent_at))),
        func.max(case((_ENDED, ENTRIES.c.progress_at))),
        func.min(case((_BEGAN & (ENTRIES.c.progress_at > bindparam("since")), ENTRIES.c.sent_at))),
        func.max(case((_MOVED, ENTRIES.c.progress_at))),
        func.max(ENTRIES.c.sent_at),
    )
    .join(BINDINGS, BINDINGS.c.mirror == ENTRIES.c.mirror)
    .where(BINDINGS.c.server == bindparam("server"), ENTRIES.c.sent_at.is_not(None))
)


class Pulses:
    """Reads it."""

    _database: Database

    def pulse(self, server: str, *, since: float) -> Pulse:
        """Return the pulse of the server at an address.

        Args:
            server: its address, as mirrors are bound to it.
            since: what moved after this time moved just now.
        """
        # Any: the declaration of the columns says which type each cell has.
        cells: tuple[Any, ...] = self._database.fetch(_PULSE, server=server, since=since)[0]
        overtaker, ended_at, moving, moved_at, sent_at = cells
        return Pulse(
            overtaker=overtaker,
            ended_at=ended_at,
            moving=moving,
            moved_at=moved_at,
            sent_at=sent_at,
        )
