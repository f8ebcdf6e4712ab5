"""What a receiver is sent, as plain values: no key, no token, no address of a receiver."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from pydantic import JsonValue

from kbsync import __version__
from kbsync.config.notify import PLACEHOLDER
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice, moment

PREFIX = "KBSYNC_"


@dataclass(frozen=True, slots=True)
class Notification:
    """One event.

    Args:
        event: ``halt``, ``failure``, ``outage``, ``recovery`` or ``heartbeat``.
        mirror: which one it is about; empty for all of them.
        at: seconds since the epoch.
        notice: what happened, and what to type next.
        over: of a recovery, the event that is over; else empty.
    """

    event: str
    mirror: str
    at: float
    notice: Notice
    over: str = ""

    def facts(self) -> dict[str, str]:
        """Return everything there is to say; `command` is the first of `next`, or empty."""
        notice = self.notice
        return {
            "event": self.event,
            "mirror": self.mirror,
            "summary": f"kbsync {self.event}: {notice.text}",
            "code": notice.code,
            "text": notice.text,
            "next": notice.next,
            "command": next(iter(notice.commands), ""),
            "host": socket.gethostname(),
            "version": __version__,
            "at": moment(self.at),
        }

    def body(self, template: Mapping[str, JsonValue] | None) -> dict[str, JsonValue]:
        """Return the JSON body.

        Args:
            template: as declared; None: an object with all facts.
        """
        facts = self.facts()
        if template is None:
            over: dict[str, JsonValue] = {"over": self.over} if self.over else {}
            return {**facts, **over}
        return {key: _filled(value, facts) for key, value in template.items()}

    def environment(self) -> dict[str, str]:
        """Return the facts as variables of a process."""
        return {f"{PREFIX}{name.upper()}": value for name, value in self.facts().items()}


def _filled(value: JsonValue, facts: Mapping[str, str]) -> JsonValue:
    """Return a part of a template filled in; what is filled in is not looked at again."""
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda found: facts.get(found[1], found[0]), value)
    if isinstance(value, list):
        return [_filled(each, facts) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, facts) for key, each in value.items()}
    return value
