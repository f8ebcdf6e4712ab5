"""What a daemon is asked to do, by verbs and on its status page: one request after the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import anyio

from kbsync.commands.base import Command
from kbsync.commands.mirror_verbs import Reload
from kbsync.messages import Exit, Problem
from kbsync.messages import daemon as say

if TYPE_CHECKING:
    from kbsync.service.admin import Admin
    from kbsync.service.daemon_context import DaemonContext


class Requests:
    """Carries requests out until they are stopped.

    Args:
        admin: the daemon's.
    """

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._contexts: set[DaemonContext] = set()
        self._ended = anyio.Event()

    def stop(self) -> None:
        """Let calls in flight come to their end, and begin nothing more."""
        self._admin.stopping = True
        for context in self._contexts:
            context.stopper.stop()

    async def idle(self) -> None:
        """Return when every request is answered."""
        while self._contexts:
            await self._ended.wait()

    def begin(self, context: DaemonContext) -> None:
        """Note that a request is worked on, until `end`."""
        self._contexts.add(context)

    def end(self, context: DaemonContext) -> None:
        """Note that a request is answered."""
        self._contexts.discard(context)
        self._ended.set()
        self._ended = anyio.Event()

    async def carry_out(self, command: Command, context: DaemonContext) -> int:
        """Carry a command out when it is its turn; return the exit code."""
        try:
            # A person who edits the file and types a verb means the file as it is now.
            if not isinstance(command, Reload):
                await self._admin.reload_if_changed()
            work = partial(self._in_turn, command, context)
            return await context.patience.carried_out(work, within=command.bound)
        except Problem as problem:
            context.warn(f"kbsync: {problem}")
            return problem.exit

    async def _in_turn(self, command: Command, context: DaemonContext) -> int:
        async with self._admin.busy:
            # What waited for its turn would begin in the middle of the drain.
            if self._admin.stopping:
                raise Problem(say.STOPPING())
            if context.stopper.stopped:  # gone while it waited for its turn
                return Exit.FAULT
            return await command.run(context)
