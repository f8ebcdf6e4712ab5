"""What a form of the page changes: pause, resume, sync now, release, retry."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from kbsync.commands.base import Command
from kbsync.commands.mirror_verbs import Pause
from kbsync.commands.writing_verbs import Apply, Retry
from kbsync.ledger.records import storable
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.web.login import NotAllowed, changing_form, led_to
from kbsync.web.rendering import url
from kbsync.web.site import Site

VERBS = ("pause", "resume", "sync", "release", "retry")


async def change(verb: str, site: Site, request: Request) -> Response:
    """Begin what a form asks for, and lead back to the mirror."""
    sent = await changing_form(site.access, request)
    mirror = site.mirror(request)
    name = mirror.declared.name
    if verb == "release":
        held = mirror.controller.held if mirror.controller else None
        if held is None or held.digest != sent.get("digest"):
            raise Problem(say.NOT_HELD_ANY_MORE(mirror=name))
    what, command = _command(name, verb, sent)
    site.commands.give(name, what, command)
    return led_to(url("mirrors", name))


def _command(mirror: str, verb: str, sent: dict[str, str]) -> tuple[str, Command]:
    """Return what is asked for, in words and as a verb would send it."""
    path = sent.get("path", "")
    if not storable(path):
        raise NotAllowed(say.TOO_MUCH_SENT(), HTTPStatus.BAD_REQUEST)
    match verb:
        case "pause" | "resume":
            return verb, Pause(mirrors=(mirror,), paused=verb == "pause")
        case "sync":
            return "sync now", Apply(mirrors=(mirror,), wait=False)
        case "release":
            digest = sent.get("digest", "")
            return verb, Apply(mirrors=(mirror,), releases=(digest,), wait=False)
    paths = (path,) if path else ()
    return "retry", Retry(mirror=mirror, paths=paths, wait=False)
