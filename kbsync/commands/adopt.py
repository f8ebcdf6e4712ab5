"""`kbsync adopt`: take documents over that kbsync did not make."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from kbsync.commands.base import CommandContext, Confirmation, Output
from kbsync.commands.mirror_verbs import AdoptDocuments
from kbsync.config import Settings
from kbsync.config.adopt_map import read_pairs
from kbsync.engine.observe.adoption import Match, Offer, Trust, take
from kbsync.engine.observe.adoption_by_content import compared
from kbsync.messages import Exit, Problem, printable, verb
from kbsync.messages import adoption as say
from kbsync.model import Adopt, Cause
from kbsync.planning.pairing import By, pair, pair_mapped
from kbsync.planning.render import minutes_of, size_of

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
    return AdoptDocuments(**{**typed, "by": by, "pairs": pairs})


async def adopt(command: AdoptDocuments, context: CommandContext) -> int:
    """Offer, ask and take; the exit code says what was taken or left."""
    async with context.opened([_mirror(context.settings, command.mirror)]) as opened:
        [engine] = opened.engines
        offered = offer = await engine.offer(
            _match(command), cause=Cause(command.by), trust=Trust(command.trust)
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
            offer = await _compared(command, context, offer)
            await take(offer)
    _finish(command, context, offered, offer, taken)
    if wanted and not taken:
        return Exit.FAULT
    if command.dry_run and offer.actions:
        return Exit.CHANGES
    return Exit.INCOMPLETE if offer.left else Exit.OK


def _mirror(settings: Settings, name: str | None) -> str:
    known = [each.name for each in settings.mirrors]
    if name is None and len(known) > 1:
        raise Problem(say.MIRROR_NOT_NAMED(known=known, first=known[0]))
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
    pairs = [[a.key.path, a.document.id, _upload(offer, a)] for a in offer.actions]
    return hashlib.sha256(json.dumps([offer.context.base_id, pairs]).encode()).hexdigest()


def _upload(offer: Offer, action: Adopt) -> bool | None:
    """Whether the document is sent again; None while its bytes are to be compared."""
    return None if action.key in offer.unproven else action.fingerprint is None


async def _compared(command: AdoptDocuments, output: Output, offer: Offer) -> Offer:
    """Compare what was agreed to be taken by its content, and say what is not the same."""
    if not offer.unproven:
        return offer
    known = await compared(offer)
    if not command.as_json:
        for action in known.actions:
            if action.key in offer.unproven and action.fingerprint is None:
                output.say(_line(known, action))
        _unread(output, known)
    return known


def _unread(output: Output, offer: Offer) -> None:
    for each in offer.unread[:NAMED]:
        output.say(f"? {printable(each.name)}  ({each.why})")
    if offer.unread:
        output.say(f"  next: {offer.unread[0].why.next}")


def _finish(
    command: AdoptDocuments, output: Output, offered: Offer, offer: Offer, taken: bool
) -> None:
    if command.as_json:
        output.say(json.dumps(_json(offered, offer, taken=taken)))
    elif taken:
        output.say(_taken(offer))
        output.say(f"  next: {verb('apply').line()}")
    elif offer.actions:
        output.warn(command.declined)


def _show(output: Output, offer: Offer) -> None:
    for action in offer.actions:
        output.say(_line(offer, action))
    for each in offer.left[:NAMED]:
        output.say(f"? {printable(each.name)}  ({each.why})")
        output.say(f"  next: {each.why.next}")
    if len(offer.left) > NAMED:
        output.say(f"? {len(offer.left) - NAMED} more; kbsync adopt --dry-run --json names each")
    output.say(_summary(offer))


COSTS = {
    True: "indexed anew by the next apply",
    False: "no upload",
    None: "its bytes are compared first",
}


def _line(offer: Offer, action: Adopt) -> str:
    document = action.document
    path, name = printable(action.key.path), printable(document.name)
    return f"* {path} <- {name} {document.id}  ({action.cause}, {COSTS[_upload(offer, action)]})"


def _taken(offer: Offer) -> str:
    parts = [f"{offer.context.mirror.name}: {len(offer.actions)} adopted"]
    parts.append(f"{offer.known} without an upload")
    if offer.anew:
        parts.append(f"{offer.anew} to index anew ({size_of(offer.bytes_anew)} to upload)")
    return "; ".join(parts)


def _summary(offer: Offer) -> str:
    parts = [f"{offer.context.mirror.name}: {len(offer.actions) or 'nothing'} to adopt"]
    if offer.actions:
        parts.append(f"{offer.known} without an upload")
        parts.append(f"{offer.anew} to index anew ({size_of(offer.bytes_anew)} to upload)")
    if offer.unproven:
        parts.append(f"{len(offer.unproven)} to compare ({_downloads(offer)})")
    if offer.left:
        parts.append(f"{len(offer.left)} left as unclear")
    parts.append(f"{offer.files} files and {offer.documents} documents stay without each other")
    return "; ".join(parts)


def _downloads(offer: Offer) -> str:
    size = f"{size_of(offer.download_bytes)} to download"
    if offer.minutes is None:
        return size
    return f"{size}, {minutes_of(offer.minutes)} at the rate limit"


def _json(offered: Offer, offer: Offer, *, taken: bool) -> dict[str, object]:
    """Return what was `offered`, and what became of it once contents were compared."""
    return {
        "mirror": offer.context.mirror.name,
        "taken": taken,
        "counts": {
            "adopt": len(offer.actions),
            "known": offer.known,
            "anew": offer.anew,
            "to_compare": len(offer.unproven),
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
                "upload": _upload(offer, action),
            }
            for action in offer.actions
        ],
        "left": [
            {"name": each.name, "code": each.why.code, "reason": each.why.text}
            for each in offer.left
        ],
        "forecast": {
            "downloads": len(offered.unproven),
            "bytes": offered.download_bytes,
            "minutes": offered.minutes,
        },
        "unread": [
            {"path": each.name, "code": each.why.code, "reason": each.why.text}
            for each in offer.unread
        ],
    }
