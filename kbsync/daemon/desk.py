"""The desk of an errand that the daemon carries out: its words go to the one who asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from kbsync import app
from kbsync.app import Opened
from kbsync.config import Settings
from kbsync.daemon.office import Office
from kbsync.daemon.reply import Reply
from kbsync.engine.drive import Observer
from kbsync.engine.report import Event
from kbsync.errands.desk import Question
from kbsync.errands.steps import line_of
from kbsync.passes import Stopper
from kbsync.planning.plan import Plan

if TYPE_CHECKING:
    from kbsync.engine.gate import Gate
    from kbsync.ledger.store import LedgerStore


class ControlDesk:
    """Works with what the daemon has open; mirrors rest as long as an errand works with them.

    Args:
        office: the daemon.
        reply: takes what is told.

    Attributes:
        stopper: stops what is carried out.
        question: what a person has to agree to first.
    """

    def __init__(self, office: Office, reply: Reply) -> None:
        self._office = office
        self._reply = reply
        self.stopper = Stopper()
        self.question: Question | None = None

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

    def keep(self, text: str) -> None:
        """Send it for the file."""
        self._reply.add("file", text)

    def agreed(self, question: Question) -> None:
        """Have it asked where the person sits."""
        self.question = question

    @asynccontextmanager
    async def opened(
        self, only: Sequence[str], *, prune_excluded: bool = False, rest: bool = True
    ) -> AsyncIterator[Opened]:
        """Lend engines of mirrors, which rest unless they are only read."""
        settings, house = self.settings, self._office.house
        declared = app.chosen(settings, only)
        async with self._resting(*(each.name for each in declared if rest)):
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
    async def gate(self, server: str, ledger: LedgerStore) -> AsyncIterator[Gate]:
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

    async def rest(self, mirror: str) -> bool:
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
