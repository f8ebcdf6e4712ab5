"""What two processes of a cluster note of one mirror at once is there once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from cluster_samples import Joining
from sqlalchemy import Column, Connection, select

from kbsync.cluster.cluster_database import ClusterDatabase
from kbsync.ledger.mirrors import put_halt, put_held_back
from kbsync.ledger.tables import HALTS, MIRRORS
from kbsync.model import HeldBack

HELD = HeldBack(digest="ab" * 32, changes=1, reasons=(("KB-G011", "1 removal"),))
Noting = Callable[[Connection], None]


def note_halt(connection: Connection) -> None:
    put_halt(connection, HELD.digest, frozenset({"one"}), 1.0)


def note_held_back(connection: Connection) -> None:
    put_held_back(connection, "docs", HELD)


def noted(database: ClusterDatabase, noting: Noting) -> None:
    with database.transaction() as connection:
        noting(connection)


@pytest.mark.parametrize("there", [False, True], ids=["first", "again"])
@pytest.mark.parametrize(
    ("noting", "key"), [(note_halt, HALTS.c.digest), (note_held_back, MIRRORS.c.mirror)]
)
def test_the_second_waits_for_the_first(
    joining: Joining, noting: Noting, key: Column[str], there: bool
) -> None:
    one, other = joining(), joining()
    if there:
        noted(one, noting)
    with ThreadPoolExecutor() as threads:
        with one.transaction() as connection:
            noting(connection)
            second = threads.submit(noted, other, noting)
            with pytest.raises(TimeoutError):
                second.result(0.3)
        second.result(10)
    assert len(one.run(select(key))) == 1
