"""The desk of an errand that the daemon carries out: its words go to the one who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from kbsync.app import build
from kbsync.app.build import Opened
from kbsync.app.stopper import Stopper
from kbsync.commands.base import Confirmation
from kbsync.commands.report import line_of
from kbsync.config import Settings
from kbsync.engine.execute.results import Event
from kbsync.engine.workers.pool import Observer
from kbsync.planning.plan import Plan
from kbsync.service.admin import Admin

if TYPE_CHECKING:
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore
import json
from collections import deque

import anyio
from anyio.abc import ByteSendStream


class DaemonContext:
    """Works with what the daemon has open; mirrors rest as long as an errand works with them.

    Args:
        office: the daemon.
        reply: takes what is told.

    Attributes:
        stopper: stops what is carried out.
        question: what a person has to agree to first.
    """

    def __init__(self, office: Admin, reply: ReplyStream) -> None:
        self._office = office
        self._reply = reply
        self.stopper = Stopper()
        self.question: Confirmation | None = None

    @property
    def settings(self) -> Settings:
        """The configuration the daemon works with."""
        return self._office.settings

    def say(self, line: str) -> None:
        """Send it for standard output."""
        self._reply.add("out", f"{line}\n")

    def warn(self, line: str) -> None:
        """Send it for standard error."""
        self._reply.add("err", f"{line}\n")

    def send_file(self, text: str) -> None:
        """Send it for the file."""
        self._reply.add("file", text)

    def confirm(self, question: Confirmation) -> None:
        """Have it asked where the person sits."""
        self.question = question

    @asynccontextmanager
    async def opened(
        self, only: Sequence[str], *, prune_excluded: bool = False, suspend: bool = True
    ) -> AsyncIterator[Opened]:
        """Lend engines of mirrors, which rest unless they are only read."""
        settings, house = self.settings, self._office.house
        declared = build.chosen(settings, only)
        async with self._resting(*(each.name for each in declared if suspend)):
            engines = [
                await house.engine(settings, each, prune_excluded=prune_excluded)
                for each in declared
            ]
            yield Opened(settings=settings, engines=tuple(engines), ledger=self._office.ledger)

    @asynccontextmanager
    async def ledger(self, *mirrors: str) -> AsyncIterator[LedgerStore]:
        """Lend the ledger while `mirrors` rest."""
        async with self._resting(*mirrors):
            yield self._office.ledger

    @asynccontextmanager
    async def remote(self, server: str, ledger: LedgerStore) -> AsyncIterator[ThrottledRemote]:
        """Lend the gate all mirrors of the server go through."""
        yield await self._office.house.gate(self.settings.servers[server])

    @contextmanager
    def progress(self, plan: Plan, *, quiet: bool) -> Iterator[Observer]:
        """Send a line for each change, and log every step."""
        yield lambda event: self._observe(event, quiet)

    def _observe(self, event: Event, quiet: bool) -> None:
        self._office.chronicle.observe(event)
        line = None if quiet else line_of(event)
        if line is not None:
            self.say(line)

    async def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Pause them now, and after a restart."""
        self._office.pause(mirrors, paused=paused)

    async def pause_if_running(self, mirror: str) -> bool:
        """Pause `mirror` if it is kept, so that what a verb undid is not done again at once."""
        kept = any(each.declared.name == mirror for each in self._office.house)
        if kept:
            self._office.pause([mirror], paused=True)
        return kept

    async def reload(self) -> None:
        """Read the configuration anew."""
        await self._office.reload()
        if self._office.refused is not None:
            raise self._office.refused

    @asynccontextmanager
    async def _resting(self, *mirrors: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mirror in mirrors:
                await stack.enter_async_context(self._office.house.suspended(mirror))
            yield


# -- The answer to one request, sent line by line as it comes about.


# Characters of text in one line of an answer.
PIECE = 32_768
# One who asked and does not listen for so long (seconds) has gone.
PATIENCE = 60.0


class ReplyStream:
    """Collects what is told and sends it, never holding up the one who tells.

    Args:
        stream: to the one who asked.
    """

    def __init__(self, stream: ByteSendStream) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._more = anyio.Event()
        self._ended = False
        self._gone = False

    def add(self, kind: str, text: str) -> None:
        """Tell more text: ``out``, ``err`` or ``file``."""
        for start in range(0, len(text), PIECE):
            self._put({kind: text[start : start + PIECE]})

    def end(self, **last: object) -> None:
        """Tell the last line; nothing may follow."""
        self._put(last)
        self._ended = True

    def hang_up(self) -> None:
        """Send nothing more: nobody listens."""
        self._gone = True
        self._lines.clear()
        self._wake()

    async def send(self) -> None:
        """Send what is told until the last line is out, or nobody listens any more."""
        while not self._gone and (self._lines or not self._ended):
            if not self._lines:
                await self._more.wait()
                continue
            line = self._lines.popleft()
            try:
                with anyio.fail_after(PATIENCE):
                    await self._stream.send(line)
            except (TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self.hang_up()

    def _put(self, line: dict[str, object]) -> None:
        if not self._gone:
            self._lines.append(json.dumps(line).encode("ascii") + b"\n")
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = anyio.Event()
