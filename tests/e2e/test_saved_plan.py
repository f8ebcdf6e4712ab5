"""A plan kept in a file is carried out exactly as it was read, or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from guarded_story import Story, mirrored, printed_release
from ledgers import Ledger
from test_mirror import FILES
from typing_commands import KEY

pytestmark = pytest.mark.timeout(300)


def _change(story: Story) -> None:
    """One file edited, one removed, one new."""
    story.page(1).write_text("# Page 1\n\nRewritten: quartz harbour.\n")
    story.page(2).unlink()
    (story.docs / "added.md").write_text("# Added\n\nVelvet comet.\n")


def test_a_saved_plan_is_carried_out_and_is_empty_afterwards(
    tmp_path: Path, ledger: Ledger
) -> None:
    with mirrored(tmp_path, ledger) as story:
        _change(story)
        shown = story.terminal.type("plan", "-o", "plan.json", exit=2)
        assert "saved: plan.json" in shown
        assert story.writes() == {}
        saved = (tmp_path / "plan.json").read_text()
        assert KEY not in saved
        assert json.loads(saved)["kbsync_plan"] == 1
        story.terminal.type("apply", "plan.json")
        assert story.writes() == {"create": 1, "update": 1, "delete": 1}
        printed = story.terminal.type("apply", "plan.json", exit=3)
        assert "3 actions are not what plan.json says any more" in printed
        assert story.writes() == {}


def test_a_world_that_moved_on_is_listed_path_by_path(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        _change(story)
        story.terminal.type("plan", "-o", "plan.json", exit=2)
        story.page(1).write_text("# Page 1\n\nRewritten once more, and longer.\n")
        story.page(2).write_text("# Page 2\n\nBack again.\n")
        story.page(3).unlink()
        printed = story.terminal.type("apply", "plan.json", exit=3)
        assert "KB-G034" in printed
        assert "part1/page1.md: update was planned, update with the file as it is now" in printed
        assert "part2/page2.md: delete was planned, update would be done now" in printed
        assert "part3/page3.md: nothing was planned, delete would be done now" in printed
        assert "added.md" not in printed
        assert story.writes() == {}


def test_other_bytes_of_the_same_size_and_time_are_not_sent(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        page = story.page(1)
        page.write_text("# Page 1\n\nRate 100.\n")
        story.terminal.type("plan", "-o", "plan.json", exit=2)
        times = page.stat().st_mtime_ns
        page.write_text("# Page 1\n\nRate 120.\n")
        os.utime(page, ns=(times, times))
        printed = story.terminal.type("apply", "plan.json", exit=3)
        assert "part1/page1.md: update was planned, update with the file as it is now" in printed
        assert story.writes() == {}
        assert "sha256" in story.terminal.type("explain", "docs/part1/page1.md")
        story.terminal.type("apply", "--checksum")
        assert story.writes() == {"update": 1}


def test_what_only_waits_does_not_count(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        _change(story)
        story.terminal.type("plan", "-o", "plan.json", exit=2)
        (story.docs / "movie.mkv").write_text("no document")
        story.terminal.type("apply", "plan.json")
        assert story.writes() == {"create": 1, "update": 1, "delete": 1}


def test_only_what_a_pattern_names_is_planned_and_done(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        _change(story)
        only = ("--target", "part1/", "--target", "*.txt")
        shown = story.terminal.type("plan", *only, "-o", "part.json", exit=2)
        assert "page1.md" in shown
        assert "page2.md" not in shown
        story.terminal.type("apply", "part.json")
        assert story.writes() == {"update": 1}
        story.terminal.type("apply", "--target", "/added.md")
        assert story.writes() == {"create": 1}
        story.terminal.type("plan", "--target", "nowhere/")
        assert "KB-G037" in story.terminal.type("plan", "--target", "#", exit=64)
        story.terminal.type("apply")
        assert story.writes() == {"delete": 1}


def test_a_saved_plan_is_guarded_and_released(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        for number in range(FILES - 5):
            story.page(number).unlink()
        story.terminal.type("plan", "-o", "plan.json", exit=4)
        printed = story.terminal.type("apply", "plan.json", exit=4)
        assert story.writes() == {}
        story.terminal.type("apply", "plan.json", *printed_release(printed))
        assert story.writes() == {"delete": FILES - 5}


def test_a_plan_that_does_not_fit_is_refused(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        terminal = story.terminal
        _change(story)
        terminal.type("plan", "-o", "plan.json", exit=2)
        assert "KB-G031" in terminal.type("apply", "plan.json", "docs", exit=64)
        assert "KB-G031" in terminal.type("apply", "plan.json", "--target", "*.md", exit=64)
        assert "KB-V021" in terminal.type("apply", "missing.json", exit=1)
        for name, text in {
            "empty.json": "",
            "list.json": "[]",
            "other.json": '{"kbsync_plan": 2}',
            "config.json": (tmp_path / "kbsync.yaml").read_text(),
        }.items():
            (tmp_path / name).write_text(text)
            assert "KB-G030" in terminal.type("apply", name, exit=64)
        story.configure(", prune: false")
        assert "KB-G032" in terminal.type("apply", "plan.json", exit=64)
        story.configure()
        assert story.writes() == {}
        story.delete(f"/datasets/{story.base()}")
        assert "KB-G036" in terminal.type("plan", "-o", "later.json", exit=5)
        assert not (tmp_path / "later.json").exists()
        terminal.type("apply", "plan.json", exit=5)
        assert story.writes() == {}


def test_a_forecast_names_requests_bytes_and_minutes(tmp_path: Path, ledger: Ledger) -> None:
    with mirrored(tmp_path, ledger) as story:
        _change(story)
        forecast = json.loads(story.terminal.type("plan", "--json", exit=2))["forecast"]
        size = sum(each.stat().st_size for each in (story.page(1), story.docs / "added.md"))
        assert (forecast["writes"], forecast["upload_bytes"]) == (3, size)
        assert forecast["minutes"] is None
        assert 0 < forecast["indexing_minutes"] < 1
        assert "of indexing at the rate seen last" in story.terminal.type("plan", exit=2)
