"""`kbsync adopt`: take documents over that kbsync did not make."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from kbsync.commands.base import CommandContext, Confirmation, Output
from kbsync.commands.writing_verbs import AdoptDocuments
from kbsync.config import Settings
from kbsync.config.adopt_map import read_pairs
from kbsync.engine.observe.adoption import Match, Offer, take
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import adoption as say
from kbsync.model import Cause
from kbsync.planning.pairing import By, pair, pair_mapped
from kbsync.planning.render import size_of

# More lines than these scroll the summary off the screen.
NAMED = 20


def prepared(settings: Settings, typed: dict[str, Any]) -> AdoptDocuments:
    """Read the map, if one is named: it is in the folder where the verb was typed.

    Raises:
        Problem: the map cannot be read, or is named without ``--by map``, or is missing.
    """
    file = typed["pairs"]
    by = typed["by"] or ("map" if file else "name")
    if (by == "map") != (file is not None):
        raise Problem(say.MAP_INCOMPLETE())
    pairs = tuple(read_pairs(file)) if file is not None else ()
    return AdoptDocuments(
        **{**typed, "by": by, "pairs": pairs, "trust_size": typed["trust_size"] == "size"}
    )


async def adopt(command: AdoptDocuments, context: CommandContext) -> int:
    """Offer, ask and take; the exit code says what was taken or left."""
    async with context.opened([_mirror(context.settings, command.mirror)]) as opened:
        [engine] = opened.engines
        offer = await engine.offer(
            _match(command), cause=Cause(command.by), trust_size=command.trust_size
        )
        # Between question and answer folder and base may have changed; the person agreed to
        # that offer and no other.
        if command.agreed and command.agreed != _digest(offer):
            raise Problem(say.OFFER_CHANGED(mirror=engine.mirror.name))
        # A command that comes back agreed was shown before the question.
        if not command.as_json and not command.agreed:
            _show(context, offer)
        wanted = bool(offer.actions) and not command.dry_run
        taken = _confirmed(command, context, offer) if wanted else False
        # The question goes back to the verb, which hands the command over again.
        if taken is None:
            return Exit.FAULT
        if taken:
            await take(offer)
    _finish(command, context, offer, taken)
    if wanted and not taken:
        return Exit.FAULT
    if command.dry_run and offer.actions:
        return Exit.CHANGES
    return Exit.INCOMPLETE if offer.left else Exit.OK


def _mirror(settings: Settings, name: str | None) -> str:
    known = [each.name for each in settings.mirrors]
    if name is None and len(known) > 1:
        raise Problem(say.MIRROR_NOT_NAMED(known=", ".join(known)))
    return name or known[0]


def _match(command: AdoptDocuments) -> Match:
    if command.by == "map":
        return lambda files, documents: pair_mapped(files, documents, command.pairs)
    return lambda files, documents: pair(files, documents, By(command.by))


def _confirmed(command: AdoptDocuments, context: CommandContext, offer: Offer) -> bool | None:
    if command.sure or command.agreed:
        return True
    count, mirror = len(offer.actions), offer.context.mirror.name
    question = f"Take {count} documents over into mirror {mirror}?"
    return context.confirm(Confirmation(question, _digest(offer)))


def _digest(offer: Offer) -> str:
    """Return the digest of exactly the offered pairs, and of what each of them costs."""
    # Whether a pair costs an upload is part of what is agreed to.
    pairs = [
        [action.key.path, action.document.id, action.fingerprint is None]
        for action in offer.actions
    ]
    return hashlib.sha256(json.dumps([offer.context.base_id, pairs]).encode()).hexdigest()


def _finish(command: AdoptDocuments, output: Output, offer: Offer, taken: bool) -> None:
    if command.as_json:
        output.say(json.dumps(_json(offer, taken=taken)))
    elif taken:
        output.say(f"{offer.context.mirror.name}: {len(offer.actions)} adopted")
        output.say("  next: kbsync apply")
    elif offer.actions:
        output.warn(command.declined)


def _show(output: Output, offer: Offer) -> None:
    for action in offer.actions:
        document = action.document
        cost = "no upload" if action.fingerprint else "indexed anew by the next apply"
        path, name = printable(action.key.path), printable(document.name)
        output.say(f"* {path} <- {name} {document.id}  ({action.cause}, {cost})")
    for each in offer.left[:NAMED]:
        output.say(f"? {printable(each.name)}  ({each.why})")
        output.say(f"  next: {each.why.next}")
    if len(offer.left) > NAMED:
        output.say(f"? {len(offer.left) - NAMED} more; kbsync adopt --dry-run --json names each")
    output.say(_summary(offer))


def _summary(offer: Offer) -> str:
    anew = len(offer.actions) - offer.known
    parts = [f"{offer.context.mirror.name}: {len(offer.actions) or 'nothing'} to adopt"]
    if offer.actions:
        parts.append(f"{offer.known} without an upload")
        parts.append(f"{anew} to index anew ({size_of(offer.bytes_anew)} to upload)")
    if offer.left:
        parts.append(f"{len(offer.left)} left as unclear")
    parts.append(f"{offer.files} files and {offer.documents} documents stay without each other")
    return "; ".join(parts)


def _json(offer: Offer, *, taken: bool) -> dict[str, object]:
    return {
        "mirror": offer.context.mirror.name,
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
