"""What is known of this process of a cluster, for who answers HTTP in it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

import anyio
import anyio.to_thread

from kbsync.cluster.fleet import Fleet, fleet, jobs
from kbsync.cluster.signs import Sign, Silence
from kbsync.cluster.worker import Worker
from kbsync.engine.execute.results import Event
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.database_errors import errors_as_problems
from kbsync.ledger.engines import reader_engine
from kbsync.ledger.location import LedgerLocation
from kbsync.messages import Problem
from kbsync.service.event_log import EventLog
from kbsync.service.shared_servers import ServerLoad

# Seconds that the database has to answer who only wants to look.
PATIENCE = 5.0


class Trouble(StrEnum):
    """What keeps a process of a cluster from its work."""

    DATABASE_AWAY = "database_away"
    JOBS_UNHEARD = "jobs_unheard"
    LEASES_NOT_RENEWED = "leases_not_renewed"


class Beside(Protocol):
    """Runs beside the roles, and sees each step of the worker."""

    def observe(self, event: Event) -> None:
        """Take note of one step; it must neither wait nor raise."""
        ...

    async def run(self) -> None:
        """Work until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class FleetSeen:
    """What the database told.

    Args:
        fleet: what all processes do.
        jobs: their number by state, in the engine's words.
    """

    fleet: Fleet
    jobs: Mapping[str, int]


class ClusterProcess:
    """This process.

    Args:
        location: of the ledger.
        log: of the process.

    Attributes:
        signs: what has to be heard of, by what it means when it is not.
        worker: what has the role `work`; None without.
    """

    def __init__(self, location: LedgerLocation, log: EventLog) -> None:
        self.log = log
        self.signs: dict[Trouble, Sign] = {}
        self.worker: Worker | None = None
        self._location = location
        self._readers = reader_engine(location, "kbsync run --role")
        self._looking = False

    def troubles(self) -> Mapping[Trouble, Silence]:
        """Return what keeps it from its work, and for how long; empty when nothing does."""
        found = ((trouble, sign.silence()) for trouble, sign in self.signs.items())
        return {trouble: silence for trouble, silence in found if silence is not None}

    @property
    def held(self) -> int:
        """How many leases it has."""
        return self.worker.held if self.worker else 0

    @property
    def lost(self) -> int:
        """How many leases another process took from it since it began."""
        return self.worker.lost if self.worker else 0

    def loads(self) -> Mapping[str, ServerLoad]:
        """Return what it asked of each server."""
        return self.worker.loads() if self.worker else {}

    async def look(self) -> FleetSeen | None:
        """Return what all processes do; None when the database did not say so in time."""
        if self._looking:  # one look that hangs is enough
            return None
        with anyio.move_on_after(PATIENCE):
            return await anyio.to_thread.run_sync(self._seen, abandon_on_cancel=True)
        return None

    def _seen(self) -> FleetSeen | None:
        self._looking = True
        try:
            with errors_as_problems(self._location), self._readers.connect() as connection:
                # Closed after each look: no connection is half open at the next one.
                connection.detach()
                found = fleet(connection)
                return FleetSeen(found, jobs(connection, self._location)) if found else None
        except Problem:  # the log and /readyz say why
            return None
        finally:
            self._looking = False
