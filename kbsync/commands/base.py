"""What a writing verb wants done, and what carrying it out needs: ledger, servers and a person."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import TYPE_CHECKING, ClassVar, Protocol

from kbsync.lazy_dataclass import dataclass
from kbsync.model.prune import KEEP, Prune

if TYPE_CHECKING:
    from pydantic import ConfigDict

    from kbsync.app.build import Opened
    from kbsync.app.stopper import Stopper
    from kbsync.commands.patience import Patience
    from kbsync.config import Settings
    from kbsync.engine.workers.pool import Observer
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore
    from kbsync.messages import Notice
    from kbsync.planning.plan import Plan


class Output(Protocol):
    """Where a command's lines go: the terminal, or the socket of the verb that asked."""

    def say(self, line: str) -> None:
        """Write to standard output."""
        ...

    def warn(self, line: str) -> None:
        """Write to standard error."""
        ...


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A question a person has to say yes to.

    Args:
        text: the question.
        digest: of exactly what it is about; the answer counts for nothing else.
    """

    text: str
    digest: str


class CommandContext(Output, Protocol):
    """The ledger, the servers and the person a command works with.

    Two are there: `cli.local_context` opens them for one verb; `service.daemon_context` uses those
    of the daemon, whose controllers are suspended for the mirrors concerned.
    """

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        ...

    @property
    def stopper(self) -> Stopper | None:
        """Stops what is carried out; None where signals do."""
        ...

    @property
    def patience(self) -> Patience:
        """Bounds the command, and says what it waits for."""
        ...

    def opened(
        self, only: Sequence[str], *, prune: Prune = KEEP, suspend: bool = True
    ) -> AbstractAsyncContextManager[Opened]:
        """Lend the engines of some mirrors, all when none is named; see `app.build.opened`.

        Args:
            only, prune: as there.
            suspend: suspend their controllers; False for a command that only reads.
        """
        ...

    def ledger(self, *mirrors: str) -> AbstractAsyncContextManager[LedgerStore]:
        """Lend the ledger for work on `mirrors`, declared or not.

        Raises:
            Problem: there is none yet, or it cannot be used.
        """
        ...

    def remote(
        self, server: str, ledger: LedgerStore
    ) -> AbstractAsyncContextManager[ThrottledRemote]:
        """Lend the connection to a declared server, with its limits."""
        ...

    def progress(self, plan: Plan, *, quiet: bool) -> AbstractContextManager[Observer]:
        """Return the observer of every step of `plan`; it shows nothing when `quiet`."""
        ...

    def confirm(self, question: Confirmation) -> bool | None:
        """Whether a person agrees; None when the question goes back to the verb that asked.

        Then the command ends, having changed nothing, and comes again with the digest.
        """
        ...

    def send_file(self, text: str) -> None:
        """Give the verb the content of the file it was asked to write."""
        ...

    async def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Have the daemon write nothing for mirrors, or write again; it outlasts a restart."""
        ...

    async def pause_if_running(self, mirror: str) -> bool:
        """Pause `mirror` if a controller runs for it, and return whether one does.

        Without that the controller would at once do again what the command undid.
        """
        ...

    async def reload(self) -> None:
        """Have the daemon read its configuration again.

        Raises:
            Problem: it cannot be used, so the one before stays in force; or no daemon runs.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What one verb wants done. It can be sent as JSON, and no key is in it.

    Attributes:
        verb: its name on the control socket.
        changes: it changes something, whether anything can be shown of that or not.
        asks_daemon: a running daemon carries it out, even if the configuration cannot be used now.
        help: what ``--help`` says.
        examples: lines as they are typed, for ``--help``.
        declined: printed when a person does not agree.
        work: "module:function" that carries it out, given the command and its context.
        prepare: "module:function" that makes the command of the settings and the fields typed,
            where that takes more than the fields; it runs in the verb's process.
        save: "module:function" that writes the file the command sent, given the fields typed; it
            returns the line to print.
    """

    # As pydantic's ConfigDict: a field that is not known is refused.
    __pydantic_config__: ClassVar[ConfigDict] = {"extra": "forbid"}
    verb: ClassVar[str] = ""
    changes: ClassVar[bool] = True
    asks_daemon: ClassVar[bool] = False
    help: ClassVar[str] = ""
    examples: ClassVar[tuple[str, ...]] = ()
    declined: ClassVar[str] = ""
    work: ClassVar[str] = ""
    prepare: ClassVar[str] = ""
    save: ClassVar[str] = ""

    @property
    def bound(self) -> float | None:
        """Seconds it may take; None for any number."""
        return None

    async def run(self, context: CommandContext) -> int:
        """Carry it out and return the exit code.

        Raises:
            Problem: it cannot be done.
        """
        code: int = await pkgutil.resolve_name(self.work)(self, context)
        return code

    def agreeing(self, digest: str) -> Command:
        """Return the command of a person who agreed to what `digest` names."""
        return self


def warn(output: Output, notices: Iterable[Notice]) -> None:
    """Write warnings, each with what to do about it."""
    for notice in notices:
        output.warn(f"kbsync: warning: {notice}")
        if notice.next:
            output.warn(f"  next: {notice.next}")
