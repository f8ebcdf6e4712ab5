"""Where an errand is carried out: what it works with, and who hears of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import ConfigDict

from kbsync.messages import Notice

if TYPE_CHECKING:
    from kbsync.app.all_mirrors import Stopper
    from kbsync.app.build import Opened
    from kbsync.config import Settings
    from kbsync.engine.workers.pool import Observer
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore
    from kbsync.planning.plan import Plan


class Output(Protocol):
    """Who hears what an errand has to say."""

    def say(self, line: str) -> None:
        """Tell what was asked for: standard output."""
        ...

    def warn(self, line: str) -> None:
        """Tell beside it: standard error."""
        ...


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a person has to agree to.

    Args:
        text: the question.
        digest: names exactly what it is about.
    """

    text: str
    digest: str


class CommandContext(Output, Protocol):
    """The ledger, the servers and the person an errand needs.

    A verb has a desk of its own while nobody holds the ledger; the daemon has one otherwise, where
    the mirrors concerned rest as long as the errand works with them.
    """

    @property
    def settings(self) -> Settings:
        """The configuration that counts here."""
        ...

    @property
    def stopper(self) -> Stopper | None:
        """Stops what is carried out; None where signals do."""
        ...

    def opened(
        self, only: Sequence[str], *, prune_excluded: bool = False, rest: bool = True
    ) -> AbstractAsyncContextManager[Opened]:
        """Lend the engines of some mirrors, all when none is named; see `app.opened`.

        Args:
            only, prune_excluded: as there.
            rest: whether the mirrors have to rest: False for what only reads.
        """
        ...

    def ledger(self, *mirrors: str) -> AbstractAsyncContextManager[LedgerStore]:
        """Lend the ledger for what concerns `mirrors`, declared or not.

        Raises:
            Problem: there is none yet, or it cannot be used.
        """
        ...

    def gate(
        self, server: str, ledger: LedgerStore
    ) -> AbstractAsyncContextManager[ThrottledRemote]:
        """Lend the gate of a declared server."""
        ...

    def progress(self, plan: Plan, *, quiet: bool) -> AbstractContextManager[Observer]:
        """Give what is told of every step while `plan` is carried out; not shown when `quiet`."""
        ...

    def agreed(self, question: Confirmation) -> bool | None:
        """Whether a person agrees; None when the person sits elsewhere and is asked there.

        Then the errand ends, having changed nothing, and comes again with the digest that was
        agreed to.
        """
        ...

    def keep(self, text: str) -> None:
        """Hand over the content of the file that was asked for."""
        ...

    async def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Have the daemon leave mirrors alone, or not any more, beyond a restart."""
        ...

    async def rest(self, mirror: str) -> bool:
        """Pause `mirror` if it is kept here and now; return whether it is."""
        ...

    async def reload(self) -> None:
        """Read the configuration anew.

        Raises:
            Problem: it cannot be used, and the one before stays; or no daemon is there.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one verb wants done. It can be sent as JSON, and no key is in it.

    Attributes:
        verb: its name.
        declined: what is told when a person does not agree.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    verb: ClassVar[str] = ""
    declined: ClassVar[str] = ""

    async def run(self, desk: CommandContext) -> int:
        """Carry it out and return the exit code.

        Raises:
            Problem: it cannot be done.
        """
        raise NotImplementedError

    def agreeing(self, digest: str) -> Command:
        """Return the errand of somebody who agreed to what `digest` names."""
        return self


def warn(teller: Output, notices: Iterable[Notice]) -> None:
    """Tell warnings, each with what to do about it."""
    for notice in notices:
        teller.warn(f"kbsync: warning: {notice}")
        if notice.next:
            teller.warn(f"  next: {notice.next}")
