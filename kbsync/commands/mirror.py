"""What `kbsync mirror rename`, `forget` and `destroy` want done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from kbsync.app import mirror_admin
from kbsync.commands.base import Command, CommandContext, Confirmation, Output, warn
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import command as command_say
from kbsync.messages import daemon as say

if TYPE_CHECKING:
    from kbsync.engine.execute.purge import PurgeResult
    from kbsync.engine.ports import Binding

NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameMirror(Command):
    """Call mirror `old` of the ledger `new`, and say what the file has to say."""

    verb: ClassVar[str] = "mirror rename"
    old: str
    new: str

    async def run(self, desk: CommandContext) -> int:
        """Do it in the ledger; no server is asked."""
        old, new = printable(self.old), printable(self.new)
        async with desk.ledger(self.old, self.new) as ledger:
            entries = mirror_admin.rename(ledger, self.old, self.new)
            desk.say(f"mirror {old} is called {new} now, with {entries} documents")
            warn(desk, mirror_admin.still_declared(desk.settings, self.old, self.new))
            if await desk.rest(self.old):
                warn(desk, [say.RESTS(mirror=self.old)])
        return Exit.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetMirror(Command):
    """Forget all the ledger knows of a mirror."""

    verb: ClassVar[str] = "mirror forget"
    name: str

    async def run(self, desk: CommandContext) -> int:
        """Do it in the ledger; no server is asked."""
        async with desk.ledger(self.name) as ledger:
            entries = ledger.forget_mirror(self.name)
        name = printable(self.name)
        desk.say(f"mirror {name} is forgotten; its {entries} documents stay where they are")
        return Exit.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyMirror(Command):
    """Ask, delete every document of a mirror, and forget the mirror.

    Args:
        name: the mirror's.
        sure: do not ask.
        agreed: digest of what a person agreed to when asked before.
    """

    verb: ClassVar[str] = "mirror destroy"
    declined: ClassVar[str] = "nothing was deleted"
    name: str
    sure: bool = False
    agreed: str = ""

    async def run(self, desk: CommandContext) -> int:
        """Do it; the exit code says whether documents are left."""
        async with desk.ledger(self.name) as ledger:
            binding = mirror_admin.known(ledger, self.name)
            declared = desk.settings.mirror(self.name)
            if declared is not None and declared.read_only:
                raise Problem(say.READ_ONLY_KEPT(mirror=self.name))
            answer = self._confirmed(desk, binding, sum(ledger.counts(self.name).values()))
            if not answer:
                if answer is False:
                    desk.warn(self.declined)
                return Exit.FAULT
            server = mirror_admin.server_of(desk.settings, binding)
            async with desk.gate(server, ledger) as gate:
                done = await mirror_admin.destroy(desk.settings, gate, ledger, binding)
            _show(desk, binding, done)
            if await desk.rest(self.name):
                warn(desk, [say.RESTS(mirror=self.name)])
        return Exit.INCOMPLETE if done.left else Exit.OK

    def agreeing(self, digest: str) -> DestroyMirror:
        """Return the errand of somebody who agreed to the deletion."""
        return replace(self, agreed=digest)

    def _confirmed(self, desk: CommandContext, binding: Binding, count: int) -> bool | None:
        if self.sure:
            return True
        told = [binding.mirror, binding.server, binding.base_id, count]
        digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()
        if self.agreed:
            if self.agreed != digest:
                raise Problem(command_say.DESTROY_MOVED(mirror=binding.mirror))
            return True
        where = printable(f"{binding.base_name} at {binding.server}")
        question = f"Delete the {count} documents of mirror {binding.mirror} from {where}?"
        return desk.agreed(Confirmation(question, digest))


def _show(teller: Output, binding: Binding, done: PurgeResult) -> None:
    left = sorted(done.left.items())
    for key, why in left[:NAMED]:
        teller.say(f"left: {printable(key.path)}: {why}")
        if why.next:
            teller.say(f"  next: {why.next}")
    if len(left) > NAMED:
        teller.say(f"{len(left) - NAMED} more are left")
    base = printable(binding.base_name)
    told = f"{binding.mirror}: {done.deleted} deleted from {base}, which stays"
    if left:
        teller.say(f"{told}; {len(left)} are left, so the mirror is still known")
        teller.say(f"  next: kbsync mirror destroy {binding.mirror}")
    else:
        teller.say(f"{told}; the mirror is forgotten")
