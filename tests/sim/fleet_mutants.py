"""kbsync with one promise of the cluster taken out: the simulator of fleets has to notice.

`python -m tests.sim.fleet_mutants [SEED [NAME ...]]` prints a short history that each dies of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from sqlalchemy import Connection, bindparam, or_, select, update

from kbsync.cluster import leases
from kbsync.cluster.budget import Budget, Grant
from kbsync.cluster.database_time import NOW, DatabaseTime, seconds
from kbsync.cluster.lease_tenure import LeaseTenure
from kbsync.cluster.leases import DUE, LEASE, Leases
from kbsync.cluster.tables import SHARD
from kbsync.ledger.tables import META
from tests.cluster import postgresql

from . import fleet
from .playing import LONGEST, Play, fails, ledgers, shortened
from .program import Program

Patch = Callable[[], AbstractContextManager[Any]]
MOST = 400


def commits_by_any_epoch() -> Any:
    """A worker commits whoever has its lease by now."""

    def require(self: LeaseTenure, connection: Connection) -> None:
        self._require_era(connection.scalars(select(META.c.generation)).one())

    return mock.patch.object(LeaseTenure, "require", require)


def writes_by_any_lease() -> Any:
    """A worker writes to the server whoever has its lease by now."""

    def look(self: LeaseTenure, connection: Connection) -> None:
        self._require_era(connection.scalars(select(META.c.generation)).one())

    return mock.patch.object(LeaseTenure, "look", look)


def there_are_no_leases() -> Any:
    """A shard is worked on by any number of processes at once."""
    taken = (
        update(SHARD)
        .where(SHARD.c.id == bindparam("shard"), or_(bindparam("any"), DUE))
        .values(
            holder=bindparam("by"),
            epoch=SHARD.c.epoch + 1,
            until=NOW + seconds("lasting"),
            began_at=NOW,
        )
        .returning(*LEASE)
    )
    return _all(
        mock.patch.object(leases, "_TAKE", taken),
        mock.patch.object(Leases, "renew", return_value=()),
        commits_by_any_epoch(),
        writes_by_any_lease(),
    )


def budget_is_each_one_s_own() -> Any:
    """Each process takes as many permits as it wants."""
    return mock.patch.object(Budget, "take", lambda self, wanted: Grant(float(wanted)))


def clocks_are_their_own() -> Any:
    """A worker goes by its own clock."""
    return mock.patch.object(DatabaseTime, "now", lambda self: self._steady())


def _all(*patches: Any) -> Any:
    stack = ExitStack()
    for each in patches:
        stack.enter_context(each)
    return stack


class Mutant(NamedTuple):
    """A mutant with a history that it dies of; a change of the engine may ask for another one.

    Args:
        patch: takes a promise out.
        program: the history, as short as it could be made.
        weights: what others are drawn by.
    """

    patch: Patch
    program: str
    weights: Mapping[str, int] = fleet.WEIGHTS


# Workers that are stopped amid an edit of what another one edits meanwhile.
EDITING = {"fleet": 40, "edit": 30, "write": 5, "swap": 5}
MUTANTS: Mapping[str, Mutant] = {
    "commits by any epoch": Mutant(
        commits_by_any_epoch,
        "33765 change_settings:15469 disable:58455 write:7587 fleet:35952",
    ),
    "writes by any lease": Mutant(
        writes_by_any_lease,
        "34908 edit:63203 swap:57193 fleet:51509 edit:22525 fleet:40179 fleet:31710 edit:44171",
        EDITING,
    ),
    "there are no leases": Mutant(
        there_are_no_leases,
        "59220 calm_fleet:31586 duplicate:5545 fleet:15445 fleet:38117 fleet:14771 fleet:41403",
    ),
    "the budget is each one's own": Mutant(budget_is_each_one_s_own, "36715 calm_fleet:18285"),
    "clocks are their own": Mutant(clocks_are_their_own, "4 fleet:7134 delete:54216"),
}


def drawn(seed: int, weights: Mapping[str, int] = fleet.WEIGHTS) -> Program:
    """Draw a program in which clusters work."""
    return Program.drawn(seed, weights, LONGEST, None)


def hunted(
    mutant: Mutant, by: Play, place: Path, empty: Path, *, seed: int, most: int = MOST
) -> Program | None:
    """Return a short history that `mutant` dies of, None if it survives `most` of them."""
    with mutant.patch():
        for number in range(seed, seed + most):
            program = drawn(number, mutant.weights)
            if fails(program, place, empty, by) is not None:
                return shortened(program, place, empty, by)
    return None


def main() -> int:
    """Hunt each."""
    first = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    chosen = sys.argv[2:]
    survived = 0
    with postgresql() as cluster, ledgers() as (place, empty):
        by = partial(fleet.play_fleet, fleet.SharedDisk(cluster.url("sim")))
        for name, mutant in MUTANTS.items():
            if chosen and name not in chosen:
                continue
            found = hunted(mutant, by, place, empty, seed=first)
            survived += found is None
            print(f"{name}: {found}", flush=True)
    return survived


if __name__ == "__main__":
    sys.exit(main())
