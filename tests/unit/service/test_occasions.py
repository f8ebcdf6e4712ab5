"""When a receiver is notified of what the guard holds back, while it grows, shrinks and ends."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import pytest

from kbsync.config import NotifyTarget
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.messages import guard
from kbsync.messages import remote as remote_say
from kbsync.service.notifications.episode import AGAIN, LATEST, STILL
from kbsync.service.notifications.occasions import MirrorTrouble, Occasions

QUIET = ControllerStatus(phase=Phase.WATCHING, last_pass=1.0)
AWAY = remote_say.CANNOT_CONNECT(what="list", url="http://server", words="refused")


class Watched:
    """One mirror, looked at every second; `sent` is by when, event, and the release in it."""

    def __init__(self) -> None:
        target = NotifyTarget(command=("page",), events=("halt", "recovery", "heartbeat"))
        self._occasions = Occasions(target)
        self.now = 1000.0
        self.sent: list[tuple[float, str, str]] = []

    def stays(self, status: ControllerStatus, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now += 1.0
            trouble = MirrorTrouble(status=status, away=0.0, failed=None)
            for each in self._occasions.due({"docs": trouble}, self.now):
                release = str(each.facts()["command"]).rpartition("--release ")[2]
                self.sent.append((self.now, each.event, release))

    def releases(self) -> list[str]:
        return [release for _, event, release in self.sent if event == "halt"]

    def events(self) -> list[str]:
        return [event for _, event, _ in self.sent]


@pytest.fixture
def watched() -> Watched:
    found = Watched()
    found.stays(QUIET, 1)
    assert found.events() == ["heartbeat"]
    found.sent.clear()
    return found


def holding(
    changes: AbstractSet[str], digest: str, phase: Phase = Phase.WATCHING
) -> ControllerStatus:
    why = guard.HALTED_REMOVALS(
        mirror="docs", count=len(changes), recent=0, documents=99, limit=10, digest=digest
    )
    away = phase is Phase.UNREACHABLE
    return ControllerStatus(
        phase=phase,
        last_pass=1.0,
        held=digest,
        held_changes=changes,
        why=AWAY if away else why,
    )


def numbered(count: int) -> frozenset[str]:
    return frozenset(map(str, range(count)))


def test_a_set_that_grows_is_told_when_it_stands_still(watched: Watched) -> None:
    for count in range(11, 40):
        watched.stays(holding(numbered(count), f"{count:08}"), 1)
    assert watched.sent == []
    watched.stays(holding(numbered(39), "00000039"), STILL + AGAIN)
    assert watched.releases() == ["00000039"]


def test_a_set_that_never_stands_still_is_told_after_a_minute_and_calmly_again(
    watched: Watched,
) -> None:
    began = watched.now + 1
    for count in range(11, 11 + round(LATEST + 2 * AGAIN)):
        watched.stays(holding(numbered(count), f"{count:08}"), 1)
    times = [at - began for at, *_ in watched.sent]
    assert times == [LATEST, LATEST + AGAIN]


def test_what_grows_after_it_was_told_is_told_again_with_the_command_of_now(
    watched: Watched,
) -> None:
    first, grown = holding(numbered(11), "11111111"), holding(numbered(30), "30303030")
    watched.stays(first, 2 * STILL)
    watched.stays(grown, 2 * AGAIN)
    assert watched.releases() == ["11111111", "30303030"]
    (told, *_), (again, *_) = watched.sent
    assert again - told == AGAIN
    watched.stays(QUIET, 5)
    assert watched.events() == ["halt", "halt", "recovery", "heartbeat"]


def test_what_the_command_still_releases_is_not_told_again(watched: Watched) -> None:
    watched.stays(holding(numbered(30), "30303030"), 2 * STILL)
    watched.stays(holding(numbered(12), "12121212"), 2 * AGAIN)
    watched.stays(holding(numbered(30), "30303030"), 2 * AGAIN)
    assert watched.releases() == ["30303030"]


def test_as_many_others_are_told_again(watched: Watched) -> None:
    watched.stays(holding(numbered(11), "11111111"), 2 * STILL)
    others = frozenset(f"other {each}" for each in numbered(11))
    watched.stays(holding(others, "22222222"), 2 * AGAIN)
    assert watched.releases() == ["11111111", "22222222"]


def test_what_is_back_at_once_is_not_told_and_no_heartbeat_meanwhile() -> None:
    watched = Watched()
    watched.stays(holding(numbered(11), "11111111"), STILL - 1)
    assert watched.sent == []
    watched.stays(QUIET, 2)
    assert watched.events() == ["heartbeat"]


def test_the_command_is_in_it_though_the_server_goes_away_meanwhile(watched: Watched) -> None:
    held = numbered(11)
    watched.stays(holding(held, "11111111"), 3)
    watched.stays(holding(held, "11111111", Phase.UNREACHABLE), AGAIN)
    assert watched.sent == []
    watched.stays(holding(held, "11111111"), STILL)
    assert watched.releases() == ["11111111"]


def test_what_is_held_after_a_halt_of_another_cause_is_told_too(watched: Watched) -> None:
    refused = remote_say.WRONG_KEY(what="list", words="no")
    watched.stays(ControllerStatus(phase=Phase.HALTED, why=refused), 3)
    assert watched.events() == ["halt"]
    watched.stays(holding(numbered(11), "11111111"), 2 * AGAIN)
    assert watched.releases()[1:] == ["11111111"]


def test_a_clock_that_is_set_back_delays_nothing(watched: Watched) -> None:
    watched.stays(holding(numbered(11), "11111111"), 3)
    watched.now -= 86_400
    watched.stays(holding(numbered(11), "11111111"), 1)
    assert watched.releases() == ["11111111"]
