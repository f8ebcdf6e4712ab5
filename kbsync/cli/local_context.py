"""The context of a command whose verb holds the ledger itself, because no daemon does."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import click

from kbsync.app import build, connect
from kbsync.cli import waiting
from kbsync.cli.colours import styled
from kbsync.cli.progress import Observer, progress
from kbsync.commands.base import Confirmation
from kbsync.config import Settings
from kbsync.engine.execute.results import Event
from kbsync.messages import Problem
from kbsync.messages import command as command_say
from kbsync.messages import daemon as say
from kbsync.model.prune import KEEP, Prune
from kbsync.planning.plan import Plan

if TYPE_CHECKING:
    from kbsync.engine.workers.throttle import ThrottledRemote
    from kbsync.ledger.store import LedgerStore


# Other levels leave out what is logged of a step.
STEPS_LOGGED = frozenset({"debug", "info"})


class LocalContext:
    """Prints, asks at the terminal, and opens ledger and servers; see `CommandContext`.

    Args:
        settings: as loaded.
        log_level: which steps are logged; None where none are.

    Attributes:
        stopper: None, as signals stop what is carried out.
        patience: says what is waited for.
        file: the content of the file the command was to write; None when there is none.
    """

    stopper = None

    def __init__(self, settings: Settings, log_level: str | None = None) -> None:
        self.settings = settings
        self._log_level = log_level
        self.file: str | None = None
        self.patience = waiting.patience()

    def say(self, line: str) -> None:
        """Print to standard output."""
        click.echo(styled(line))

    def warn(self, line: str) -> None:
        """Print to standard error."""
        click.echo(line, err=True)

    def send_file(self, text: str) -> None:
        """Remember it for the verb to write."""
        self.file = text

    def confirm(self, question: Confirmation) -> bool:
        """Ask here and now.

        Raises:
            Problem: this is not a terminal.
        """
        return ask(question.text)

    @asynccontextmanager
    async def opened(
        self, only: Sequence[str], *, prune: Prune = KEEP, suspend: bool = True
    ) -> AsyncIterator[build.Opened]:
        """See `build.opened`."""
        async with build.opened(self.settings, only=only, prune=prune) as opened:
            self.patience.watch(opened.engines)
            yield opened

    @asynccontextmanager
    async def ledger(self, *mirrors: str) -> AsyncIterator[LedgerStore]:
        """Open the ledger, which must be there, for as long as it is lent."""
        with build.ledger_to_write(self.settings) as ledger:
            yield ledger

    @asynccontextmanager
    async def remote(self, server: str, ledger: LedgerStore) -> AsyncIterator[ThrottledRemote]:
        """Connect to the server for as long as it is lent."""
        declared = self.settings.servers[server]
        async with connect.connected(declared) as api:
            remote = connect.throttled(declared, api, ledger.clock)
            self.patience.watch_calls(lambda: remote.waits(declared.url))
            yield remote

    @contextmanager
    def progress(self, plan: Plan, *, quiet: bool) -> Iterator[Observer]:
        """Show progress, and log every step."""
        with progress(plan, quiet=quiet) as shown:
            if self._log_level not in STEPS_LOGGED:
                yield shown
                return
            note = pkgutil.resolve_name("kbsync.app.logs:note")

            def observe(event: Event) -> None:
                note(event)
                shown(event)

            yield observe

    async def pause(self, mirrors: Sequence[str], *, paused: bool) -> None:
        """Note it for the daemon that starts next."""
        with build.ledger_held(self.settings) as (ledger, clock):
            for mirror in mirrors:
                ledger.pause(mirror, clock.now()) if paused else ledger.resume(mirror)

    async def pause_if_running(self, mirror: str) -> bool:
        """Return False: no controller runs here."""
        return False

    async def reload(self) -> None:
        """Refuse.

        Raises:
            Problem: no daemon runs.
        """
        raise Problem(say.NO_DAEMON(file=self.settings.file))


def ask(question: str) -> bool:
    """Ask a person at the terminal.

    Raises:
        Problem: this is not a terminal.
    """
    # A script would wait for ever, or answer by accident.
    if not sys.stdin.isatty():
        raise Problem(command_say.NEEDS_YES(question=question))
    return click.confirm(question, err=True)
