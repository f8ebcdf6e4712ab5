"""What a process does every few seconds: it is seen, renews its leases, and asks for the time."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, update

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.cluster.database_time import DatabaseTime
from kbsync.cluster.leases import Lease, Leases
from kbsync.cluster.members import Members
from kbsync.ledger.tables import META

_RECORD_TIME = (
    update(META)
    .values(high_water=bindparam("seconds"))
    .where(META.c.high_water < bindparam("seconds"))
)


class Heartbeat:
    """Beats when it is told to, well before a lease ends.

    Args:
        database: of the cluster.
        members: this process among the others.
        leases: of this process.
        time: what is measured at each beat; the clocks of the stores follow it.
    """

    def __init__(
        self, database: ClusterDatabase, members: Members, leases: Leases, time: DatabaseTime
    ) -> None:
        self._database = database
        self._members = members
        self._leases = leases
        self._time = time

    def beat(self, held: Collection[Lease]) -> tuple[Lease, ...]:
        """Renew what is held; return what is another process's by now.

        The time is recorded in the ledger here, and not by each transaction: all of them would
        change one row.

        Raises:
            Problem: as `ClusterDatabase.run`.
        """
        lost = self._leases.renew(held)
        self._time.measure(self._members.seen)
        self._database.run(_RECORD_TIME, {"seconds": self._time.now()})
        return lost
