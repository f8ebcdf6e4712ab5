"""What the daemon logs: a line for each remote change, and what is said of all mirrors."""

from __future__ import annotations

import structlog

from kbsync.app import logs
from kbsync.app.logs import words
from kbsync.engine.execute.results import Event
from kbsync.messages import Exit, Notice
from kbsync.messages.advice import INVOCATION, invoked
from kbsync.model import DocKey
from kbsync.planning.plan import CHANGES, SET_BASE
from kbsync.service.phase_log import PhaseLog

# Keys whose last failure is remembered; beyond these one may be logged twice.
MOST_REMEMBERED = 10_000
# The other changes change nothing at the server.
LOGGED = (CHANGES | {SET_BASE}) - {"resolve", "forget"}


class EventLog:
    """Writes the log of all mirrors.

    Attributes:
        phases: the part about mirrors as a whole.
    """

    def __init__(self) -> None:
        self._log = structlog.get_logger()
        self._invocation = INVOCATION.get()
        self._logged: dict[DocKey, str] = {}
        self._moved: set[DocKey] = set()
        self.phases = PhaseLog(self._words)

    def observe(self, event: Event) -> None:
        """Log one step; what failed in the same way before is logged for debugging only."""
        level = self._level(event)
        if level != "debug" and event.outcome not in ("indexed", "failed"):
            done = event.outcome == "done"
            self.phases.count(event.key.mirror, event.action if done else None)
        with invoked(self._invocation):
            logs.note(event, level)

    def _level(self, event: Event) -> str:
        match event.outcome:
            case "done" | "indexed":
                self._logged.pop(event.key, None)
                # That a call was answered is one thing, that searches find the text another.
                return "info" if event.outcome == "indexed" or self._changed(event) else "debug"
            case "failed":
                # The decision that follows warns of it, with its code and what to do.
                return "debug" if event.key in self._logged else "info"
            case "stopped":
                return "warning" if self._is_new(event) else "debug"
            case _:
                return "debug"

    def _changed(self, event: Event) -> bool:
        """Whether a document became another one; the mark that a move writes is part of it."""
        if event.action == "move":
            if len(self._moved) >= MOST_REMEMBERED:
                self._moved.clear()
            self._moved.add(event.key)
        elif event.key in self._moved:
            self._moved.discard(event.key)
            return event.action in LOGGED - {"set_metadata"}
        return event.action in LOGGED

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
