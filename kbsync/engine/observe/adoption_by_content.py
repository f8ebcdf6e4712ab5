"""Adoption by content: what is offered is compared, byte for byte, before it is taken over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.observe.adoption import Offer, Unproven
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.messages import Notice, Problem
from kbsync.messages import adoption as say
from kbsync.messages import remote as remote_say
from kbsync.model import Adopt, Capability, DocKey, Done, Failure, Gone, NotReady, Rejected
from kbsync.model.capabilities import since
from kbsync.planning.pairing import Unpaired


def must_give_bytes(context: Context) -> None:
    """Return unless it is known that no original files of this base are given out.

    Raises:
        Problem: it is.
    """
    if context.pipeline:
        raise Problem(say.NO_BYTES_OF_PIPELINE(mirror=context.mirror.name))
    if context.remote.capabilities.state(Capability.DOWNLOAD) is False:
        raise Problem(_no_bytes(context))


async def compared(offer: Offer) -> Offer:
    """Return `offer` with a fingerprint for every document that is made of its file.

    One that is not, or that cannot be read, is sent again by the next pass.

    Raises:
        Problem: the server gives no bytes out, refuses the key, or is away; nothing is recorded.
    """
    same = set[DocKey]()
    unread = list[Unpaired]()

    async def compare(action: Adopt) -> None:
        found = await _same(offer.context, action, offer.unproven[action.key])
        if isinstance(found, Unpaired):
            unread.append(found)
        elif found:
            same.add(action.key)

    unproven = [action for action in offer.actions if action.key in offer.unproven]
    at_once = offer.context.mirror.server.max_in_flight
    await side_by_side(unproven, compare, at_once=at_once)
    return replace(
        offer,
        actions=tuple(_proved(action, offer, same) for action in offer.actions),
        bytes_anew=offer.bytes_anew
        + sum(file.size for key, file in offer.unproven.items() if key not in same),
        unproven={},
        unread=tuple(sorted(unread, key=lambda each: each.name)),
    )


def _proved(action: Adopt, offer: Offer, same: Collection[DocKey]) -> Adopt:
    if action.key not in same:
        return action
    file = offer.unproven[action.key]
    return replace(action, fingerprint=file.fingerprint, stat=file.stat)


async def _same(context: Context, action: Adopt, file: Unproven) -> bool | Unpaired:
    """Whether the document is made of `file`; an `Unpaired` says why that is not known."""
    outcome = await context.remote.original(
        context.base_id or "", action.document.id, largest=file.size
    )
    match outcome:
        case Done(value=original):
            return original.content == file.fingerprint.content
        case Gone():
            return False
    return _unread(context, action, outcome)


def _unread(context: Context, action: Adopt, failure: Failure) -> Unpaired:
    match failure:
        case Rejected(why) if why.message is remote_say.NO_DOWNLOADS:
            raise Problem(_no_bytes(context))
        case Rejected(why) | NotReady(why):
            return Unpaired(name=action.key.path, why=why)
    refuse(context.mirror, "downloading a document", failure)


def _no_bytes(context: Context) -> Notice:
    return say.NO_BYTES(
        version=context.remote.capabilities.version or "of a version it does not tell",
        needed=since(Capability.DOWNLOAD),
        mirror=context.mirror.name,
    )
