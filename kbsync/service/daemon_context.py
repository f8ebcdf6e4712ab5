"""The context of a command that the daemon carries out: its lines go to the verb that asked."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Protocol

import anyio
from anyio.abc import ByteSendStream

from kbsync.app import build
from kbsync.app.build import Opened
from kbsync.app.stopper import Stopper
from kbsync.commands.base import Confirmation
from kbsync.commands.patience import Patience
from kbsync.commands.report import line_of
from kbsync.config import Settings
from kbsync.engine.execute.results import Event
from kbsync.engine.workers.pool import Observer
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.ledger.store import LedgerStore
from kbsync.messages import daemon as say
from kbsync.model.prune import KEEP, Prune
from kbsync.planning.plan import Plan
from kbsync.service.admin import Admin

# Characters of text in one line of an answer.
PIECE = 32_768
# A verb that reads nothing for so long (seconds) has gone.
PATIENCE = 60.0


class Reply(Protocol):
    """Takes what a command says."""

    def add(self, kind: str, text: str) -> None:
        """Add text of a kind: ``out``, ``err`` or ``file``."""
        ...


class DaemonContext:
    """Lends what the daemon has open; see `CommandContext`. Mirrors are suspended meanwhile.

    Args:
        admin: the daemon's.
        reply: takes the lines.

    Attributes:
        stopper: stops what is carried out.
        patience: says what is waited for.
        question: what a person has to agree to first.
    """

    def __init__(self, admin: Admin, reply: Reply) -> None:
        self._admin = admin
        self._reply = reply
        self.stopper = Stopper()
        self.question: Confirmation | None = None
        self.patience = Patience(self.warn, say.BUSY)

    @property
    def settings(self) -> Settings:
        """The configuration the daemon works with."""
        return self._admin.settings

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
        """Return None: the verb that asked has the person at its terminal."""
        self.question = question

    @asynccontextmanager
    async def opened(
        self, only: Sequence[str], *, prune: Prune = KEEP, suspend: bool = True
    ) -> AsyncIterator[Opened]:
        """Lend engines of mirrors, which are suspended unless they are only read."""
        settings, supervisor = self.settings, self._admin.supervisor
        declared = build.chosen(settings, only)
        async with self._suspended(*(each.name for each in declared if suspend)):
            engines = [await supervisor.engine(settings, each, prune=prune) for each in declared]
            self.patience.watch(engines)
            yield Opened(settings=settings, engines=tuple(engines), ledger=self._admin.ledger)

    @asynccontextmanager
    async def ledger(self, *mirrors: str) -> AsyncIterator[LedgerStore]:
        """Lend the ledger while `mirrors` are suspended."""
        async with self._suspended(*mirrors):
            yield self._admin.ledger

    @asynccontextmanager
    async def remote(self, server: str, ledger: LedgerStore) -> AsyncIterator[ThrottledRemote]:
        """Lend the connection that all mirrors of the server share."""
        yield await self._admin.supervisor.remote(self.settings.servers[server])

    @contextmanager
    def progress(self, plan: Plan, *, quiet: bool) -> Iterator[Observer]:
        """Send a line for each change, and log every step."""
        yield lambda event: self._observe(event, quiet)

    def _observe(self, event: Event, quiet: bool) -> None:
        self._admin.observe(event)
        line = None if quiet else line_of(event)
        if line is not None:
            self.say(line)

    async def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Pause them now, and after a restart."""
        self._admin.pause(mirrors, paused=paused)

    async def pause_if_running(self, mirror: str) -> bool:
        """Pause `mirror` if it is in force; return whether it is."""
        running = any(each.declared.name == mirror for each in self._admin.supervisor)
        if running:
            self._admin.pause([mirror], paused=True)
        return running

    async def reload(self) -> None:
        """Read the configuration again."""
        await self._admin.reload()
        if self._admin.refused is not None:
            raise self._admin.refused

    @asynccontextmanager
    async def _suspended(self, *mirrors: str) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for mirror in mirrors:
                await stack.enter_async_context(self._admin.supervisor.suspended(mirror))
            yield


class ReplyStream:
    """The answer to one request, sent line by line; writing to it never blocks the command.

    Args:
        stream: to the verb that asked.
    """

    def __init__(self, stream: ByteSendStream) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._more = anyio.Event()
        self._ended = False
        self._gone = False

    def add(self, kind: str, text: str) -> None:
        """Add text of a kind: ``out``, ``err`` or ``file``."""
        for start in range(0, len(text), PIECE):
            self._put({kind: text[start : start + PIECE]})

    def end(self, **last: object) -> None:
        """Add the last line; nothing may follow."""
        self._put(last)
        self._ended = True

    def hang_up(self) -> None:
        """Send nothing more: the verb has gone."""
        self._gone = True
        self._lines.clear()
        self._wake()

    async def send(self) -> None:
        """Send lines until the last one is out, or the verb has gone."""
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
