"""What `kbsync status` says of a cluster over the ledger; loaded where that is on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kbsync.messages import printable, span

if TYPE_CHECKING:
    from kbsync.cluster.fleet import Fleet, FleetProcess
    from kbsync.ledger.store import LedgerStore


class ClusterView:
    """A cluster at work.

    Args:
        fleet: as its tables have it.
    """

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self._fleet)

    def lines(self) -> Iterator[str]:
        """Yield the lines about its processes."""
        number = len(self._fleet.processes)
        yield f"cluster: {number} process{'es' * (number > 1)} at work"
        yield from map(_process, self._fleet.processes)

    def mirror_lines(self, name: str) -> Iterator[str]:
        """Yield the lines about one mirror."""
        shards = self._fleet.mirrors.get(name)
        if shards is None:
            return
        counts = {"clean": shards.clean, "dirty": shards.dirty, "leased": shards.leased}
        shown = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
        since = "" if shards.dirty_for is None else f"; dirty for {span(shards.dirty_for)}"
        yield f"shards: {shown}{since}"


def ask(ledger: LedgerStore) -> ClusterView | None:
    """Return the cluster that is at work on a ledger on PostgreSQL; None when none is.

    Raises:
        Problem: the database cannot be read.
    """
    with ledger.database.snapshot() as connection:
        if connection.exec_driver_sql("SELECT to_regclass('cluster')").scalar_one() is None:
            return None
        from kbsync.cluster.fleet import fleet  # noqa: PLC0415 - most ledgers have no cluster

        found = fleet(connection)
    return ClusterView(found) if found is not None and found.processes else None


def _process(process: FleetProcess) -> str:
    roles = " and ".join(process.roles)
    where = f"process {process.pid} on {printable(process.host)}"
    return f"  {roles}: {where}, silent for {span(process.silent_for)}"
