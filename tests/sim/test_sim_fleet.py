"""Drawn histories of a cluster over one ledger; `python -m tests.sim --fleet` plays any number."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.collecting import ALL_STORIES

from .fleet import SharedDisk, play_fleet
from .fleet_mutants import MUTANTS, drawn
from .playing import Play, fails
from .program import Program

SHARES, EACH = 2, 2 if ALL_STORIES else 1
ANSWERED = "an answer with another id is in the journal though its process ended"
FOUND = {
    "a shard that a process takes again after its lease ended is worked on once": (
        "60751 edit_chunk:37441 swap:46962 rename:32334 fleet:23321 edit:19777 fleet:46259 "
        "swap:23299 refuse:12683 filters:52277 rename:50544 edit:11255 disable:14873 fleet:21983 "
        "archive:56684"
    ),
    "removals that are held back wait together": (
        "12912 fleet:52752 heal:28448 mount:10464 delete:29930 apply:62578"
    ),
    ANSWERED: (
        "34813 delete:36847 apply:10496 edit_chunk:4668 apply:20577 rename_metadata:52583 "
        "edit:40295 duplicate:27140 fleet:22469 calm_apply:642 fleet:60789 fleet:43286 "
        "fleet:46073 chmod:20952 edit:21991 refuse:3274 rename:35370"
    ),
}


@pytest.fixture(scope="module")
def disk(cluster: Cluster) -> Iterator[SharedDisk]:
    """A ledger on PostgreSQL, for one history after the other."""
    made = SharedDisk(cluster.fresh())
    yield made
    made.end()


@pytest.fixture
def by(disk: SharedDisk) -> Play:
    return partial(play_fleet, disk)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.seconds(12)
def test_drawn_histories_of_a_cluster_keep_every_promise(
    share: int, by: Play, empty: Path, tmp_path: Path
) -> None:
    for seed in range(share * EACH, (share + 1) * EACH):
        program = drawn(seed)
        broken = fails(program, tmp_path, empty, by)
        assert broken is None, f"{broken}\npython -m tests.sim --fleet --program '{program}'"


def test_a_history_of_a_cluster_leaves_the_same_trace_again(
    by: Play, empty: Path, tmp_path: Path
) -> None:
    program, traces = Program.parsed(FOUND[ANSWERED]), []
    for time in ("once", "twice"):
        place = tmp_path / time
        place.mkdir()
        traces.append(by(program, place, empty).trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 20


@pytest.mark.parametrize("name", FOUND)
def test_what_once_broke_holds(name: str, by: Play, empty: Path, tmp_path: Path) -> None:
    assert fails(Program.parsed(FOUND[name]), tmp_path, empty, by) is None


@pytest.mark.parametrize("name", MUTANTS)
def test_what_a_cluster_promises_is_missed_where_it_is_taken_out(
    name: str, by: Play, empty: Path, tmp_path: Path
) -> None:
    mutant = MUTANTS[name]
    program = Program.parsed(mutant.program)
    with mutant.patch():
        assert fails(program, tmp_path, empty, by) is not None
    assert fails(program, tmp_path, empty, by) is None
