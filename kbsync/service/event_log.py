"""What the daemon logs: a line for each remote change and each change of phase."""

from __future__ import annotations

import time

import structlog

from kbsync.app import logs
from kbsync.app.logs import words
from kbsync.engine.control.controller import ControllerStatus, Phase
from kbsync.engine.execute.results import Event
from kbsync.messages import Exit, Notice
from kbsync.messages.advice import INVOCATION, invoked
from kbsync.model import DocKey
from kbsync.planning.plan import CHANGES, SET_BASE

# Keys whose last failure is remembered; beyond these one may be logged twice.
MOST_REMEMBERED = 10_000
# The other changes change nothing at the server.
LOGGED = (CHANGES | {SET_BASE}) - {"resolve", "forget"}


class EventLog:
    """Writes the log of all mirrors."""

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._invocation = INVOCATION.get()
        self._logged: dict[DocKey, str] = {}
        self._turns: dict[str, ControllerStatus] = {}
        self._away: dict[str, float] = {}
        self._modes: dict[str, tuple[str, Notice | None]] = {}

    def observe(self, event: Event) -> None:
        """Log one step; what failed in the same way before is logged for debugging only."""
        with invoked(self._invocation):
            logs.note(event, self._level(event))

    def _level(self, event: Event) -> str:
        match event.outcome:
            case "done" | "indexed":
                self._logged.pop(event.key, None)
                changed = event.action in LOGGED
                # That a call was answered is one thing, that searches find the text another.
                return "info" if changed or event.outcome == "indexed" else "debug"
            case "stopped" | "failed":
                return "warning" if self._is_new(event) else "debug"
            case _:
                return "debug"

    def _is_new(self, event: Event) -> bool:
        if event.why is not None and event.why.message.exit is Exit.OK:
            return False
        reason = event.why.code if event.why else event.cause
        if self._logged.get(event.key) == reason:
            return False
        if len(self._logged) >= MOST_REMEMBERED:
            self._logged.clear()
        self._logged[event.key] = reason
        return True

    def turned(self, mirror: str, state: ControllerStatus) -> None:
        """Log that a mirror begins or ceases to be in trouble."""
        if state.phase is Phase.SUSPENDED:  # a verb works with it, and prints what it does
            return
        before = self._turns.get(mirror, ControllerStatus())
        self._turns[mirror] = state
        if state.phase is Phase.UNREACHABLE and mirror not in self._away:
            self._away[mirror] = time.monotonic()
            self._log.warning("outage begins", mirror=mirror, **self._words(state.why))
        if state.phase is not Phase.UNREACHABLE and mirror in self._away:
            seconds = time.monotonic() - self._away.pop(mirror)
            self._log.info("outage ends", mirror=mirror, seconds=round(seconds))
        if state.phase is Phase.HALTED and (before.phase, before.why) != (Phase.HALTED, state.why):
            self._log.error("halted", mirror=mirror, **self._words(state.why))
        if before.phase is Phase.HALTED and state.phase is not Phase.HALTED:
            self._log.info("goes on", mirror=mirror)
        if state.held != before.held and state.held is not None:
            self._log.warning(
                "held back", mirror=mirror, digest=state.held, **self._words(state.why)
            )
        if state.held is None and before.held is not None:
            self._log.info("not held back any more", mirror=mirror, digest=before.held)

    def watched(self, mirror: str, state: ControllerStatus) -> None:
        """Log how changes are noticed, when that is another way than before."""
        if not state.mode or self._modes.get(mirror) == (state.mode, state.notice):
            return
        self._modes[mirror] = (state.mode, state.notice)
        level = self._log.info if state.notice is None else self._log.warning
        level("watching", mirror=mirror, mode=state.mode, **self._words(state.notice))

    def say(self, event: str, notice: Notice | None = None, **more: object) -> None:
        """Log something about the daemon as a whole; a notice with an exit code is a fault."""
        if notice is None:
            self._log.info(event, **more)
        elif notice.message.exit is Exit.OK:
            self._log.warning(event, **more, **self._words(notice))
        else:
            self._log.error(event, **more, **self._words(notice))

    def _words(self, notice: Notice | None) -> dict[str, str]:
        """Return what a notice says, as a log line has it."""
        # Whoever reads the log typed nothing, whatever verb the daemon is busy with.
        with invoked(self._invocation):
            return words(notice)

    def fault(self, event: str, error: BaseException) -> None:
        """Log a bug, with where it happened."""
        self._log.error(event, exc_info=error)
