"""What the daemon logs of a mirror as a whole: trouble, its end, and what it did until quiet."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import field

import structlog

from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice

# Seconds of an outage or a halt until the log says that it lasts, and between two such lines.
FIRST_REMINDER, NEXT_REMINDER = 600.0, 3600.0


@dataclass(slots=True)
class _Trouble:
    """An outage or a halt.

    Args:
        began: when, in seconds of a clock that never goes back.
        remind_at: when the log says next that it lasts.
    """

    began: float
    remind_at: float


@dataclass(slots=True)
class _Mirror:
    """What was logged of one mirror.

    Attributes:
        done: how many changes of each kind since the last summary.
        warnings: how many warnings there were.
        began: when the first of these was.
        passed: when everything was compared last, as of the last summary.
    """

    state: ControllerStatus = field(default_factory=ControllerStatus)
    mode: tuple[str, Notice | None] | None = None
    trouble: _Trouble | None = None
    done: Counter[str] = field(default_factory=Counter)
    warnings: int = 0
    began: float = 0.0
    passed: float | None = None


class PhaseLog:
    """Writes when mirrors begin and cease to be in trouble, and what they did until quiet.

    Args:
        words: turns a notice into what a log line says of it.
        clock: returns seconds that never go back.
    """

    def __init__(
        self,
        words: Callable[[Notice | None], dict[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = structlog.get_logger()
        self._words = words
        self._clock = clock
        self._mirrors: dict[str, _Mirror] = {}

    def count(self, mirror: str, action: str | None) -> None:
        """Count a change that was made, None for a warning."""
        known = self._of(mirror)
        if not known.done and not known.warnings:
            known.began = self._clock()
        if action is None:
            known.warnings += 1
        else:
            known.done[action] += 1

    def turned(self, mirror: str, state: ControllerStatus) -> None:
        """Log that a mirror begins or ceases to be in trouble."""
        if state.phase is Phase.SUSPENDED:  # a verb works with it, and prints what it does
            return
        known = self._of(mirror)
        before, known.state = known.state, state
        self._ends(mirror, known, before, state)
        self._begins(mirror, known, before, state)
        if state.held != before.held and state.held is not None:
            words = self._words(state.why)
            self._log.warning("held back", mirror=mirror, digest=state.held, **words)
        if state.held is None and before.held is not None:
            self._log.info("not held back any more", mirror=mirror, digest=before.held)

    def look(self, mirror: str, state: ControllerStatus) -> None:
        """Log what a look at a mirror shows: its watch, trouble that lasts, what it did."""
        known = self._of(mirror)
        self._watch(mirror, known, state)
        self._remind(mirror, known, state)
        if state.phase is Phase.WATCHING and not state.indexing:
            self._sum_up(mirror, known, state)

    def _of(self, mirror: str) -> _Mirror:
        return self._mirrors.setdefault(mirror, _Mirror())

    def _ends(
        self, mirror: str, known: _Mirror, before: ControllerStatus, state: ControllerStatus
    ) -> None:
        if before.phase is state.phase:
            return
        if before.phase is Phase.UNREACHABLE:
            self._log.info("outage ends", mirror=mirror, seconds=self._ended(known))
        elif before.phase is Phase.HALTED:
            self._log.info("goes on", mirror=mirror, seconds=self._ended(known))

    def _begins(
        self, mirror: str, known: _Mirror, before: ControllerStatus, state: ControllerStatus
    ) -> None:
        if state.phase is Phase.UNREACHABLE and before.phase is not Phase.UNREACHABLE:
            self._begin(known)
            self._log.warning("outage begins", mirror=mirror, **self._words(state.why))
        elif state.phase is Phase.HALTED and (before.phase, before.why) != (state.phase, state.why):
            self._begin(known)
            self._log.error("halted", mirror=mirror, **self._words(state.why))

    def _begin(self, known: _Mirror) -> None:
        now = self._clock()
        known.trouble = _Trouble(now, now + FIRST_REMINDER)

    def _ended(self, known: _Mirror) -> int:
        trouble, known.trouble = known.trouble, None
        return round(self._clock() - trouble.began) if trouble else 0

    def _remind(self, mirror: str, known: _Mirror, state: ControllerStatus) -> None:
        trouble, now = known.trouble, self._clock()
        if trouble is None or now < trouble.remind_at:
            return
        trouble.remind_at = now + NEXT_REMINDER
        event = "outage lasts" if state.phase is Phase.UNREACHABLE else "still halted"
        words = self._words(state.why)
        self._log.warning(event, mirror=mirror, seconds=round(now - trouble.began), **words)

    def _watch(self, mirror: str, known: _Mirror, state: ControllerStatus) -> None:
        """Log how changes are noticed, when that is another way than before."""
        if not state.mode or known.mode == (state.mode, state.notice):
            return
        known.mode = (state.mode, state.notice)
        level = self._log.info if state.notice is None else self._log.warning
        level("watching", mirror=mirror, mode=state.mode, **self._words(state.notice))

    def _sum_up(self, mirror: str, known: _Mirror, state: ControllerStatus) -> None:
        """Log what was done until now; one change alone was said by its own lines."""
        number = sum(known.done.values()) + known.warnings
        compared = state.last_pass != known.passed
        if number > 1 or (number and compared):
            warnings = {"warnings": known.warnings} if known.warnings else {}
            seconds = round(self._clock() - known.began)
            self._log.info("in sync", mirror=mirror, **known.done, **warnings, seconds=seconds)
        known.passed = state.last_pass
        known.done, known.warnings = Counter(), 0
