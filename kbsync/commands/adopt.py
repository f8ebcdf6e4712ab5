"""What `kbsync adopt` wants done."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from kbsync.commands.base import Command, CommandContext, Confirmation, Output
from kbsync.config import Settings
from kbsync.engine.observe.adoption import Match, Offer, take
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import adoption as say
from kbsync.model import Cause
from kbsync.planning.pairing import By, pair, pair_mapped
from kbsync.planning.render import size_of

NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptDocuments(Command):
    """Offer documents that are nobody's, show them, ask, and take them over.

    Args:
        mirror: whose they become; None for the only one.
        by: what file and document have in common.
        pairs: path and document id of each line of a map.
        trust_size: a document whose upload was as large as what would be sent is the same.
        dry_run: only show.
        sure: do not ask.
        agreed: digest of the offer a person agreed to when it was shown before.
        as_json: tell one JSON object.
    """

    verb: ClassVar[str] = "adopt"
    declined: ClassVar[str] = "nothing was adopted"
    mirror: str | None = None
    by: Literal["name", "basename", "map"] = "name"
    pairs: tuple[tuple[str, str], ...] = ()
    trust_size: bool = False
    dry_run: bool = False
    sure: bool = False
    agreed: str = ""
    as_json: bool = False

    async def run(self, desk: CommandContext) -> int:
        """Do it; the exit code says what was taken or left."""
        async with desk.opened([_mirror(desk.settings, self.mirror)]) as opened:
            [engine] = opened.engines
            offer = await engine.offer(
                self._match(), cause=Cause(self.by), trust_size=self.trust_size
            )
            if self.agreed and self.agreed != _digest(offer):
                raise Problem(say.OFFER_MOVED(mirror=engine.mirror.name))
            if not self.as_json and not self.agreed:
                _show(desk, offer)
            wanted = bool(offer.actions) and not self.dry_run
            taken = self._confirmed(desk, offer) if wanted else False
            if taken is None:
                return Exit.FAULT
            if taken:
                await take(offer)
        self._end(desk, offer, taken)
        if wanted and not taken:
            return Exit.FAULT
        if self.dry_run and offer.actions:
            return Exit.CHANGES
        return Exit.INCOMPLETE if offer.left else Exit.OK

    def agreeing(self, digest: str) -> AdoptDocuments:
        """Return the errand of somebody who agreed to the offer."""
        return replace(self, agreed=digest)

    def _match(self) -> Match:
        if self.by == "map":
            return lambda files, documents: pair_mapped(files, documents, self.pairs)
        return lambda files, documents: pair(files, documents, By(self.by))

    def _confirmed(self, desk: CommandContext, offer: Offer) -> bool | None:
        if self.sure or self.agreed:
            return True
        count, mirror = len(offer.actions), offer.world.mirror.name
        question = f"Take {count} documents over into mirror {mirror}?"
        return desk.agreed(Confirmation(question, _digest(offer)))

    def _end(self, desk: CommandContext, offer: Offer, taken: bool) -> None:
        if self.as_json:
            desk.say(json.dumps(_json(offer, taken=taken)))
        elif taken:
            desk.say(f"{offer.world.mirror.name}: {len(offer.actions)} adopted")
            desk.say("  next: kbsync apply")
        elif offer.actions:
            desk.warn(self.declined)


def _mirror(settings: Settings, told: str | None) -> str:
    known = [each.name for each in settings.mirrors]
    if told is None and len(known) > 1:
        raise Problem(say.MIRROR_UNTOLD(known=", ".join(known)))
    return told or known[0]


def _digest(offer: Offer) -> str:
    """Return what names exactly the offered pairs, and what each of them costs."""
    told = [
        [action.key.path, action.document.id, action.fingerprint is None]
        for action in offer.actions
    ]
    return hashlib.sha256(json.dumps([offer.world.base_id, told]).encode()).hexdigest()


# -- what is shown -------------------------------------------------------------------------------


def _show(teller: Output, offer: Offer) -> None:
    for action in offer.actions:
        document = action.document
        cost = "no upload" if action.fingerprint else "indexed anew by the next apply"
        path, name = printable(action.key.path), printable(document.name)
        teller.say(f"* {path} <- {name} {document.id}  ({action.cause}, {cost})")
    for each in offer.left[:NAMED]:
        teller.say(f"? {printable(each.name)}  ({each.why})")
        teller.say(f"  next: {each.why.next}")
    if len(offer.left) > NAMED:
        teller.say(f"? {len(offer.left) - NAMED} more; kbsync adopt --dry-run --json names each")
    teller.say(_summary(offer))


def _summary(offer: Offer) -> str:
    anew = len(offer.actions) - offer.known
    told = [f"{offer.world.mirror.name}: {len(offer.actions) or 'nothing'} to adopt"]
    if offer.actions:
        told.append(f"{offer.known} without an upload")
        told.append(f"{anew} to index anew ({size_of(offer.bytes_anew)} to upload)")
    if offer.left:
        told.append(f"{len(offer.left)} left as unclear")
    told.append(f"{offer.files} files and {offer.documents} documents stay without each other")
    return "; ".join(told)


def _json(offer: Offer, *, taken: bool) -> dict[str, object]:
    return {
        "mirror": offer.world.mirror.name,
        "taken": taken,
        "counts": {
            "adopt": len(offer.actions),
            "known": offer.known,
            "anew": len(offer.actions) - offer.known,
            "bytes_anew": offer.bytes_anew,
            "left": len(offer.left),
            "files": offer.files,
            "documents": offer.documents,
        },
        "actions": [
            {
                "action": "adopt",
                "mirror": action.key.mirror,
                "path": action.key.path,
                "cause": action.cause,
                "document_id": action.document.id,
                "document_name": action.document.name,
                "upload": action.fingerprint is None,
            }
            for action in offer.actions
        ],
        "left": [
            {"name": each.name, "code": each.why.code, "reason": each.why.text}
            for each in offer.left
        ],
    }
