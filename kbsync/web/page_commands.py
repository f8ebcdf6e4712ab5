"""Commands that were given on the status page, carried out as those of verbs are."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import field
from itertools import islice

from anyio.abc import TaskGroup

from kbsync.commands.base import Command
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Problem
from kbsync.messages import daemon as say
from kbsync.service.admin import Admin
from kbsync.service.daemon_context import DaemonContext

# Lines of what a command says that are kept, and characters of each.
KEPT, LONGEST = 200, 2_000

# What exit codes of verbs say (docs/design.md section 7).
WORDS: dict[int, str] = {
    Exit.OK: "done",
    Exit.CHANGES: "done",
    Exit.INCOMPLETE: "done, and some files have no up-to-date document",
    Exit.HALTED: "the guard holds changes back",
    Exit.REFUSED: "the server or the base cannot be used",
    Exit.INDEXING: "done, and the server still indexes",
}


@dataclass(slots=True, eq=False)
class GivenCommand:
    """One command, and what it said.

    Args:
        what: in a person's words.
        began, ended: seconds since the epoch; None while it is carried out.
        exit: its exit code; None while it is carried out.
        lines: the last that it said.
    """

    what: str
    began: float
    ended: float | None = None
    exit: int | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))

    @property
    def result(self) -> str:
        """How it went, in a person's words."""
        if self.exit is None or self.ended is None:
            return "under way"
        return WORDS.get(self.exit, f"failed, exit code {self.exit}")

    def add(self, kind: str, text: str) -> None:
        """Add text of a kind; what is meant for a file is left out."""
        if kind != "file":
            self.lines += [line[:LONGEST] for line in text.splitlines()]

    def last(self, number: int) -> list[str]:
        """Return the last lines."""
        return list(islice(self.lines, max(0, len(self.lines) - number), None))


class PageCommands:
    """Carries commands out, one a mirror.

    Args:
        admin: the daemon's.
        group: where they run.
    """

    def __init__(self, admin: Admin, group: TaskGroup) -> None:
        self._admin = admin
        self._group = group
        self._given: dict[str, GivenCommand] = {}

    def of(self, mirror: str) -> GivenCommand | None:
        """Return the command that was given last for a mirror, None for none."""
        return self._given.get(mirror)

    def give(self, mirror: str, what: str, command: Command) -> None:
        """Begin to carry a command out.

        Args:
            mirror: which one it is about.
            what: the command in a person's words.
            command: as a verb would send it.

        Raises:
            Problem: another one is carried out for this mirror.
        """
        before = self._given.get(mirror)
        if before is not None and before.ended is None:
            raise Problem(say.STILL_AT_IT(mirror=mirror, what=before.what))
        given = self._given[mirror] = GivenCommand(what, time.time())
        self._group.start_soon(self._carry_out, command, given)

    async def _carry_out(self, command: Command, given: GivenCommand) -> None:
        context = DaemonContext(self._admin, given)
        requests = self._admin.requests
        requests.begin(context)
        given.exit = Exit.FAULT
        try:
            given.exit = await requests.carry_out(command, context)
        except Exception as error:
            # A bug in a command ends that command alone.
            self._admin.log.fault("fault in a request", error)
            context.warn(f"kbsync: {say.BROKEN(why=type(error).__name__)}")
        finally:
            given.ended = time.time()
            requests.end(context)
