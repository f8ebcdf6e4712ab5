"""What the log says of a mirror as a whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from captured_log import captured
from structlog.typing import EventDict

from kbsync.app.logs import words
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.messages import Exit, Message
from kbsync.service.phase_log import FIRST_REMINDER, NEXT_REMINDER, PhaseLog

WHY = Message("KB-T001", "a test said so", "do nothing", Exit.INCOMPLETE)()
AWAY = ControllerStatus(phase=Phase.UNREACHABLE, why=WHY)
HALTED = ControllerStatus(phase=Phase.HALTED, why=WHY)
QUIET = ControllerStatus(phase=Phase.WATCHING, last_pass=1.0)


class Lines:
    """A log, what it said, and its clock."""

    def __init__(self, said: list[EventDict]) -> None:
        self.now = 1000.0
        self.said = said
        self.log = PhaseLog(words, lambda: self.now)

    def events(self) -> list[str]:
        return [each["event"] for each in self.said]


@pytest.fixture
def lines() -> Iterator[Lines]:
    said: list[EventDict] = []
    with captured(said):
        yield Lines(said)


def test_a_long_outage_is_said_again_after_a_while_and_then_every_hour(lines: Lines) -> None:
    lines.log.turned("docs", AWAY)
    for _ in range(20):
        lines.log.look("docs", AWAY)
    assert lines.events() == ["outage begins"]
    lines.now += FIRST_REMINDER
    lines.log.look("docs", AWAY)
    lines.log.look("docs", AWAY)
    lines.now += NEXT_REMINDER
    lines.log.look("docs", AWAY)
    assert lines.events() == ["outage begins", "outage lasts", "outage lasts"]
    assert (lines.said[1]["seconds"], lines.said[2]["seconds"]) == (600, 4200)
    assert lines.said[1]["next"] == "do nothing"
    lines.log.turned("docs", QUIET)
    lines.now += NEXT_REMINDER
    lines.log.look("docs", QUIET)
    assert lines.events()[3:] == ["outage ends"]
    assert lines.said[3]["seconds"] == 4200


def test_a_halt_that_lasts_is_said_again(lines: Lines) -> None:
    lines.log.turned("docs", HALTED)
    lines.now += FIRST_REMINDER
    lines.log.look("docs", HALTED)
    lines.log.turned("docs", QUIET)
    assert lines.events() == ["halted", "still halted", "goes on"]


def test_an_outage_that_follows_a_halt_has_its_own_time(lines: Lines) -> None:
    lines.log.turned("docs", HALTED)
    lines.now += 100
    lines.log.turned("docs", AWAY)
    lines.now += 7
    lines.log.turned("docs", QUIET)
    assert lines.events() == ["halted", "goes on", "outage begins", "outage ends"]
    assert (lines.said[1]["seconds"], lines.said[3]["seconds"]) == (100, 7)


def test_a_pass_that_changed_something_ends_with_one_line(lines: Lines) -> None:
    for action in ("create", "create", "delete", None):
        lines.log.count("docs", action)
    lines.log.look("docs", ControllerStatus(phase=Phase.WATCHING, indexing=1, last_pass=1.0))
    assert lines.events() == []
    lines.now += 12
    lines.log.look("docs", QUIET)
    lines.log.look("docs", QUIET)
    (line,) = lines.said
    counts = {"create": 2, "delete": 1, "warnings": 1, "seconds": 12}
    assert line == {"event": "in sync", "level": "info", "mirror": "docs", **counts}


def test_one_edit_between_passes_is_said_by_its_own_lines(lines: Lines) -> None:
    lines.log.look("docs", QUIET)
    lines.log.count("docs", "update")
    lines.log.look("docs", QUIET)
    assert lines.events() == []


def test_mirrors_are_counted_apart(lines: Lines) -> None:
    lines.log.count("docs", "create")
    lines.log.count("notes", "update")
    lines.log.look("docs", QUIET)
    assert [each["mirror"] for each in lines.said] == ["docs"]
