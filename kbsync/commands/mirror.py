"""`kbsync mirror rename`, `forget` and `destroy`: mirrors the ledger knows, declared or not."""

from __future__ import annotations

import hashlib
import json

from kbsync.app import mirror_admin
from kbsync.commands.base import CommandContext, Confirmation, Output, warn
from kbsync.commands.mirror_verbs import DestroyMirror, ForgetMirror, RenameMirror
from kbsync.engine.execute.purge import PurgeResult
from kbsync.messages import Exit, Problem, printable, verb
from kbsync.messages import command as command_say
from kbsync.messages import daemon as say
from kbsync.model import Binding

# More lines than these scroll the summary off the screen.
NAMED = 20


async def rename(command: RenameMirror, context: CommandContext) -> int:
    """Rename in the ledger, and warn of what the file says; no server is asked."""
    old, new = printable(command.old), printable(command.new)
    async with context.ledger(command.old, command.new) as ledger:
        entries = mirror_admin.rename(ledger, command.old, command.new)
        context.say(f"mirror {old} is called {new} now, with {entries} documents")
        warn(context, mirror_admin.still_declared(context.settings, command.old, command.new))
        # Under its old name, which the file still has, the mirror would begin anew.
        if await context.pause_if_running(command.old):
            warn(context, [say.PAUSED_BY_VERB(mirror=command.old)])
    return Exit.OK


async def forget(command: ForgetMirror, context: CommandContext) -> int:
    """Forget in the ledger; no server is asked."""
    async with context.ledger(command.name) as ledger:
        entries = ledger.forget_mirror(command.name)
    name = printable(command.name)
    context.say(f"mirror {name} is forgotten; its {entries} documents stay where they are")
    return Exit.OK


async def destroy(command: DestroyMirror, context: CommandContext) -> int:
    """Ask and delete; the exit code says whether documents are left."""
    async with context.ledger(command.name) as ledger:
        binding = mirror_admin.known(ledger, command.name)
        declared = context.settings.mirror(command.name)
        if declared is not None and declared.read_only:
            raise Problem(say.READ_ONLY_KEPT(mirror=command.name))
        count = sum(ledger.counts(command.name).values())
        answer = _confirmed(command, context, binding, count)
        if not answer:
            if answer is False:
                context.warn(command.declined)
            return Exit.FAULT
        server = mirror_admin.server_of(context.settings, binding)
        async with context.remote(server, ledger) as remote:
            done = await mirror_admin.destroy(context.settings, remote, ledger, binding)
        _show(context, binding, done)
        # The file still declares the mirror: its controller would upload everything again.
        if await context.pause_if_running(command.name):
            warn(context, [say.PAUSED_BY_VERB(mirror=command.name)])
    return Exit.INCOMPLETE if done.left else Exit.OK


def _confirmed(
    command: DestroyMirror, context: CommandContext, binding: Binding, count: int
) -> bool | None:
    if command.sure:
        return True
    # With the count: documents that came after the question were not agreed to.
    subject = [binding.mirror, binding.server, binding.base_id, count]
    digest = hashlib.sha256(json.dumps(subject).encode()).hexdigest()
    if command.agreed:
        if command.agreed != digest:
            raise Problem(command_say.DESTROY_CHANGED(mirror=binding.mirror))
        return True
    where = printable(f"{binding.base_name} at {binding.server}")
    question = f"Delete the {count} documents of mirror {binding.mirror} from {where}?"
    return context.confirm(Confirmation(question, digest))


def _show(output: Output, binding: Binding, done: PurgeResult) -> None:
    left = sorted(done.left.items())
    for key, why in left[:NAMED]:
        output.say(f"left: {printable(key.path)}: {why}")
        if why.next:
            output.say(f"  next: {why.next}")
    if len(left) > NAMED:
        output.say(f"{len(left) - NAMED} more are left")
    base = printable(binding.base_name)
    summary = f"{binding.mirror}: {done.deleted} deleted from {base}, which stays"
    if left:
        output.say(f"{summary}; {len(left)} are left, so the mirror is still known")
        output.say(f"  next: {verb('mirror destroy -- {mirror}').line(mirror=binding.mirror)}")
    else:
        output.say(f"{summary}; the mirror is forgotten")
