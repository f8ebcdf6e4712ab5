"""The suite of benchmarks runs at toy size: every row is there, and what is counted is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.__main__ import main
from benchmarks.rows import GROUPS
from benchmarks.sizes import TOY
from benchmarks.targets import TARGETS

# Times say nothing at this size, least of all beside other tests.
ROWS = {
    "start-up": {"version", "plan", "status"},
    "unchanged": {
        "unchanged-rsync",
        "unchanged-rclone",
        "unchanged-few-rsync",
        "unchanged-few-oikb",
        "million-memory",
        "million-time",
        "million-rsync",
    },
    "inside": {"walk-find", "commit"},
    "first-apply": {
        "first-wall",
        "first-cpu",
        "first-requests",
        "first-oikb",
        "rate",
        "rate-whole",
    },
    "refresh": {"refresh-wall", "refresh-cpu"},
    "daemon": {"watch-ready", "watch-placed", "daemon-idle", "edit-cpu", "edit-delay"},
    "big-file": {"big-daemon", "big-apply"},
    "concurrency": {"concurrency-fast", "concurrency-slow", "concurrency-locked"},
    "profiles": set(),
}
NEED = {"rsync": "rsync", "rclone": "rclone", "oikb": "oikb", "watch": "inotifywait"}


def measured(tmp_path: Path, *groups: str) -> Any:
    """Return the JSON of a run of these groups, with exactly the rows that can be measured."""
    figures = tmp_path / "figures.json"
    keep = ["--keep", str(tmp_path / "kept")]
    main(["--size", "toy", "--rows", ",".join(groups), "--json", str(figures), *keep])
    found = json.loads(figures.read_text("utf-8"))
    absent = [peer for peer in peers.PACKAGES if any(peer in why for why in found["skipped"])]
    left_out = [part for part, peer in NEED.items() if peer in absent]
    expected = {row for group in groups for row in ROWS[group]}
    expected = {row for row in expected if not any(part in row for part in left_out)}
    assert {each["row"] for each in found["rows"]} == expected
    return found


@pytest.mark.once_a_change
@pytest.mark.seconds(8)
@pytest.mark.timeout(300)
def test_what_does_not_change_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measured(tmp_path, "start-up", "unchanged", "inside", "refresh", "profiles")
    for case in TOY.profiles:
        shares = found["tables"][f"profile, {case}"]["kbsync"]
        assert sum(shares.values()) == pytest.approx(100, abs=0.5), shares
    points = {(each["contender"], each["files"]) for each in found["points"]}
    assert ("kbsync", TOY.many.files) in points
    assert "`python -c pass`" in capsys.readouterr().out


@pytest.mark.once_a_change
@pytest.mark.seconds(8)
@pytest.mark.timeout(300)
def test_a_first_apply_is_measured_and_its_requests_are_counted(tmp_path: Path) -> None:
    found = measured(tmp_path, "first-apply", "big-file")
    counts = found["tables"]["first-requests"]
    for contender in ("kbsync", "bare loop"):
        uploads = [
            number for route, number in counts[contender].items() if route.endswith("-by-file")
        ]
        assert uploads == [TOY.first], counts
    row = next(each for each in found["rows"] if each["row"] == "first-requests")
    assert row["samples"]["kbsync"] == [
        pytest.approx(sum(counts["kbsync"].values()) / TOY.first, rel=1e-3)
    ]


@pytest.mark.once_a_change
@pytest.mark.seconds(12)
@pytest.mark.timeout(300)
def test_the_daemon_and_its_servers_are_measured(tmp_path: Path) -> None:
    found = measured(tmp_path, "daemon", "concurrency")
    edits = next(each for each in found["rows"] if each["row"] == "edit-delay")
    assert len(edits["samples"]["kbsync"]) == TOY.edits


def test_no_row_is_left_out_of_these_tests() -> None:
    assert ROWS.keys() == GROUPS.keys()
    assert set().union(*ROWS.values()) == TARGETS.keys()
