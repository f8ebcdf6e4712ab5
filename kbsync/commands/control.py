"""What `kbsync pause`, `resume` and `reload` want done: for the daemon alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kbsync.app import build
from kbsync.commands.base import Command, CommandContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """Have the daemon plan and show some mirrors, and write nothing for them; or not any more.

    Args:
        mirrors: their names; empty for all.
        paused: whether they are to be.
    """

    verb: ClassVar[str] = "pause"
    mirrors: tuple[str, ...] = ()
    paused: bool = True

    async def run(self, desk: CommandContext) -> int:
        """Note it in the ledger, where it outlives a restart."""
        names = [each.name for each in build.chosen(desk.settings, self.mirrors)]
        await desk.pause(names, paused=self.paused)
        for name in names:
            desk.say(f"{name}: {'paused' if self.paused else 'goes on'}")
        if self.paused:
            desk.say("  next: kbsync resume")
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload(Command):
    """Have the daemon read the configuration anew."""

    verb: ClassVar[str] = "reload"

    async def run(self, desk: CommandContext) -> int:
        """Do it, or say why the one before stays."""
        await desk.reload()
        desk.say(f"reloaded: {len(desk.settings.mirrors)} mirrors")
        return 0
