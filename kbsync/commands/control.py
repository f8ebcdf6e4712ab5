"""`kbsync pause`, `resume` and `reload`: for the daemon alone."""

from __future__ import annotations

from kbsync.app import build
from kbsync.commands.base import CommandContext
from kbsync.commands.mirror_verbs import Pause, Reload
from kbsync.messages import Exit, verb


async def pause(command: Pause, context: CommandContext) -> int:
    """Note it in the ledger, where it outlasts a restart."""
    # A name that is not declared is refused before any mirror is paused.
    names = [each.name for each in build.chosen(context.settings, command.mirrors)]
    await context.pause(names, paused=command.paused)
    for name in names:
        context.say(f"{name}: {'paused' if command.paused else 'goes on'}")
    if command.paused:
        resuming = verb("resume -- {mirrors}").line(mirrors=tuple(command.mirrors))
        context.say(f"  next: {resuming}")
    return Exit.OK


async def reload(command: Reload, context: CommandContext) -> int:
    """Read the configuration again, or say why the one before stays in force."""
    await context.reload()
    context.say(f"reloaded: {len(context.settings.mirrors)} mirrors")
    return Exit.OK
