"""Old lines leave the journal, and what the log says of steps."""

from __future__ import annotations

from pathlib import Path

import pytest
from captured_log import captured
from daemon_running import configure, mirror, running, until
from structlog.typing import EventDict

from kbsync.app import build
from kbsync.engine.execute.results import Event
from kbsync.engine.ports import EntryChange
from kbsync.messages import Exit, Message
from kbsync.model import DocKey, JournalLine
from kbsync.service.event_log import EventLog

DAY = 86_400.0
KEY = DocKey(mirror="docs", path="page.md")
WHY = Message("KB-T001", "a test said so", "do nothing", Exit.INCOMPLETE)()
OTHER = Message("KB-T002", "a test said so again", exit=Exit.INCOMPLETE)()
FINE = Message("KB-T003", "all is well", exit=Exit.OK)()


@pytest.mark.anyio
async def test_old_lines_leave_the_journal(tmp_path: Path) -> None:
    configure(tmp_path, mirror("docs"), more="journal_retention: 7d\n")
    settings = build.settings_of(tmp_path / "kbsync.yaml")
    with build.ledger_held(settings) as (ledger, clock):
        now = clock.now()
        for days in (100, 8, 6, 1):
            line = JournalLine(
                at=now - days * DAY,
                mirror="docs",
                path="page.md",
                action="update",
                document_id=None,
                outcome="done",
                milliseconds=1,
                detail=str(days),
            )
            ledger.commit(EntryChange(key=KEY, journal=(line,)))
    async with running(tmp_path) as daemon:
        await until(lambda: daemon.said("journal tidied"))
        assert daemon.said("journal tidied")[0]["lines"] == 2
    with build.ledger_to_read(settings) as reader:
        assert reader is not None
        assert [line.detail for _, line in reader.history()] == ["1", "6"]


def event(action: str = "update", outcome: str = "done", **more: object) -> Event:
    words = {"key": KEY, "cause": "edited", "milliseconds": 5, "document_id": "d-1"} | more
    return Event(action=action, outcome=outcome, **words)  # type: ignore[arg-type]


def levels(*events: Event) -> list[str]:
    lines: list[EventDict] = []
    with captured(lines):
        log = EventLog()
        for each in events:
            log.observe(each)
    return [line["level"] for line in lines]


def test_one_line_for_each_change_at_the_server() -> None:
    log: list[EventDict] = []
    with captured(log):
        EventLog().observe(event())
    assert log == [
        {
            **{"event": "update", "level": "info", "mirror": "docs", "path": "page.md"},
            **{"cause": "edited", "outcome": "done", "document": "d-1", "ms": 5},
        }
    ]
    changes = ("create", "update", "delete", "set_metadata", "move", "restore", "adopt")
    assert levels(*(event(action) for action in changes)) == ["info"] * len(changes)
    assert levels(event("index", "indexed")) == ["info"]


def test_a_move_is_one_line_and_its_mark_none() -> None:
    moved, marked = event("move", cause="from a.md"), event("set_metadata", cause="metadata")
    assert levels(moved, marked, marked) == ["info", "debug", "info"]
    assert levels(moved, event("update"), marked) == ["info", "info", "info"]


def test_no_line_for_what_changes_nothing() -> None:
    quiet = [
        event("resolve"),
        event("forget"),
        event("hold"),
        event("hold", "waiting"),
        event("update", "waiting", why=WHY),
        event("hold", "stopped", why=FINE),
    ]
    assert set(levels(*quiet)) == {"debug"}


def test_what_fails_in_the_same_way_warns_once() -> None:
    failed, other = event(outcome="stopped", why=WHY), event(outcome="stopped", why=OTHER)
    found = levels(failed, failed, other, other, event(), failed)
    assert found == ["warning", "debug", "warning", "debug", "info", "warning"]


def test_a_failed_index_is_one_warning_with_what_to_do() -> None:
    failed, held = event("index", "failed", cause="no chunks"), event("hold", "stopped", why=WHY)
    assert levels(failed, held, failed, held) == ["info", "warning", "debug", "debug"]
    assert levels(failed, held, event(), failed) == ["info", "warning", "info", "info"]
