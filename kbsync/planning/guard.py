"""What is not done unasked: removals from a source that lost its files (design, section 7)."""

from __future__ import annotations

from collections.abc import Sequence

from kbsync.messages import engine as say
from kbsync.model import Action, Allowed, Delete, Guard, Halted
from kbsync.planning.plan import digest_of

SHORTEST_RELEASE = 8


def guard(
    mirror: str, actions: Sequence[Action], *, recorded: int, met: int, release: str | None
) -> Guard:
    """Return whether the removals among `actions` may go on.

    A folder that holds none of the recorded files is what an unmounted disk leaves behind.

    Args:
        mirror: the mirror's name.
        actions: what is planned.
        recorded: files the ledger knows.
        met: how many of those stand in the source.
        release: digest (or its first 8 or more characters) of a halted set to let go.
    """
    removals = [action for action in actions if isinstance(action, Delete)]
    if not removals or met or not recorded:
        return Allowed()
    digest = digest_of(removals)
    if release is not None and len(release) >= SHORTEST_RELEASE and digest.startswith(release):
        return Allowed()
    why = say.GUARD_SOURCE_LOST(
        mirror=mirror, recorded=recorded, removals=len(removals), digest=digest[:12]
    )
    return Halted(why=why, digest=digest, keys=frozenset(action.key for action in removals))
