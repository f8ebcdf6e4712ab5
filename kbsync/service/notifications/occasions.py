"""When a receiver is notified: each trouble of a mirror once, and once when it is over. Pure.

Of what the guard holds back it is notified again when the command that it was sent does not release
all of it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from kbsync.config import NotifyTarget
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import daemon as say
from kbsync.service.notifications.episode import Episode
from kbsync.service.notifications.facts import Notification

# Phases that say nothing of whether a trouble is over.
_UNKNOWN = frozenset({Phase.SUSPENDED, Phase.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class MirrorTrouble:
    """What of a mirror is looked at.

    Args:
        status: of its controller.
        away: seconds its server is away.
        failed: what files have no up-to-date document; None when none.
    """

    status: ControllerStatus
    away: float
    failed: Notice | None


class Occasions:
    """Remembers what one receiver was notified of.

    Args:
        target: as declared.
    """

    def __init__(self, target: NotifyTarget) -> None:
        self._target = target
        self._episodes: dict[tuple[str, str], Episode] = {}
        self._beat: float | None = None

    def due(self, mirrors: Mapping[str, MirrorTrouble], now: float) -> list[Notification]:
        """Return what the receiver is to be notified of now.

        Args:
            mirrors: by name; what is not among them any more is forgotten.
            now: seconds since the epoch.
        """
        self._episodes = {at: each for at, each in self._episodes.items() if at[0] in mirrors}
        found: list[Notification] = []
        for mirror, trouble in mirrors.items():
            if trouble.status.phase not in _UNKNOWN:
                found += self._of_mirror(mirror, trouble, now)
        found += self._heartbeat(mirrors, now)
        return [each for each in found if each.event in self._target.events]

    def _of_mirror(self, mirror: str, trouble: MirrorTrouble, now: float) -> Iterator[Notification]:
        for kind, why in self._kinds(mirror, trouble):
            if why is not None:
                episode = self._episodes.setdefault((mirror, kind), Episode(now))
                if not _hidden(kind, trouble.status) and episode.due(
                    _held(kind, trouble.status), now
                ):
                    yield Notification(kind, mirror, now, why)
                continue
            ended = self._episodes.pop((mirror, kind), None)
            if ended is not None and ended.told:
                over = say.OVER(mirror=mirror, what=kind, seconds=round(now - ended.began))
                yield Notification("recovery", mirror, now, over, over=kind)

    def _kinds(self, mirror: str, trouble: MirrorTrouble) -> Iterator[tuple[str, Notice | None]]:
        """Yield each kind of trouble with what it is; None: it is not there."""
        status = trouble.status
        halted = status.phase is Phase.HALTED or status.held is not None
        yield "halt", status.why if halted else None
        outage = None
        if trouble.away > self._target.outage_after:
            why = status.why.text if status.why else "no answer"
            outage = say.OUTAGE_LASTS(mirror=mirror, seconds=round(trouble.away), why=why)
        yield "outage", outage
        yield "failure", trouble.failed

    def _heartbeat(
        self, mirrors: Mapping[str, MirrorTrouble], now: float
    ) -> Iterator[Notification]:
        well = not self._episodes and all(_is_well(each) for each in mirrors.values())
        due = self._beat is None or not 0 <= now - self._beat < self._target.every
        if well and due:
            self._beat = now
            yield Notification("heartbeat", "", now, say.ALL_WELL())


def _hidden(kind: str, status: ControllerStatus) -> bool:
    """Whether the reason that is known now, a server that is away, is not that of the trouble."""
    return kind == "halt" and status.phase is Phase.UNREACHABLE


def _held(kind: str, status: ControllerStatus) -> AbstractSet[str] | None:
    """Return what the guard holds back; None where a trouble has another cause."""
    guarded = kind == "halt" and status.phase is not Phase.HALTED and status.held is not None
    return status.held_changes if guarded else None


def _is_well(trouble: MirrorTrouble) -> bool:
    status = trouble.status
    return status.last_pass is not None and status.phase is not Phase.UNREACHABLE
