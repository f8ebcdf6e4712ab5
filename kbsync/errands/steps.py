"""One step of a pass as a line for people."""

from __future__ import annotations

from kbsync.engine.report import Event
from kbsync.messages import printable
from kbsync.planning.plan import CHANGES
from kbsync.planning.render import SIGNS


def line_of(event: Event) -> str | None:
    """Return the line that tells of `event`, None when there is nothing to tell."""
    path = printable(event.key.path)
    if event.action in CHANGES and event.outcome == "done":
        return f"{SIGNS.get(event.action, '*')} {path}  ({event.action}: {event.cause})"
    if event.outcome == "failed":
        return f"! {path}  (indexing failed: {printable(event.cause)})"
    if event.outcome == "waiting" and event.why is not None:
        return f"? {path}  ({event.why})"
    return None
