"""A plan is a value: sorted, counted, hashed, refused, rendered (docs/design.md section 3)."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kbsync.model import (
    Action,
    Adopt,
    Allowed,
    Conflict,
    Create,
    Delete,
    Guard,
    Hold,
    Move,
    Noop,
    Restore,
    SetMetadata,
    Skipped,
    Update,
)

COUNTED = (
    "create",
    "update",
    "move",
    "set_metadata",
    "adopt",
    "restore",
    "delete",
    "forget",
    "hold",
    "conflict",
    "resolve",
)
CHANGES = frozenset(COUNTED) - {"hold", "conflict"}
ALLOWED = Allowed()


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What carrying the plan out costs.

    Args:
        writes: write requests to the server.
        upload_bytes: bytes of file content to send.
        minutes: at the declared rate limit; None when there is none.
    """

    writes: int
    upload_bytes: int
    minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, in the order it would be done.

    Args:
        digest: names exactly this plan, stable over processes and hash seeds.
        skipped: files that are never uploaded and have no document, with the reason.
        unchanged: files that need nothing.
    """

    actions: tuple[Action, ...]
    digest: str
    forecast: Forecast
    guard: Guard = field(default_factory=Allowed)
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The number of actions by name in snake case; zero rows are left out."""
        found = Counter(name_of(action) for action in self.actions)
        return {name: found[name] for name in COUNTED if found[name]}

    @property
    def changes(self) -> bool:
        """Whether carrying it out would change anything, here or there."""
        return any(name_of(action) in CHANGES for action in self.actions)


def name_of(action: Action) -> str:
    """Return the action's name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(action).__name__).lower()


def cause_of(action: Action) -> str:
    """Return why the action is there, in a word or a sentence."""
    match action:
        case Hold(why=why) | Conflict(why=why):
            return str(why)
        case Noop():
            return "same"
    return action.cause


def make_plan(
    actions: Iterable[Action],
    *,
    skipped: Iterable[Skipped] = (),
    unchanged: int = 0,
    requests_per_minute: int | None = None,
    guard: Guard = ALLOWED,
) -> Plan:
    """Return the plan that carries out `actions`: uploads before deletes, then by path.

    Args:
        actions: one per key, in any order; `Noop` is left out.
        skipped: files that are reported and never uploaded.
        unchanged: files that need nothing.
        requests_per_minute: the declared write limit, for the forecast.
        guard: what the guard says of them.
    """
    kept = sorted((a for a in actions if not isinstance(a, Noop)), key=_order)
    return Plan(
        actions=tuple(kept),
        digest=digest_of(kept),
        forecast=_forecast(kept, requests_per_minute),
        skipped=tuple(skipped),
        unchanged=unchanged,
        guard=guard,
    )


def digest_of(actions: Iterable[Action]) -> str:
    """Return a sha256 over what the actions would do; the order and the words do not count."""
    lines = sorted(json.dumps(_essence(action), sort_keys=True) for action in actions)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _essence(action: Action) -> Mapping[str, object]:
    essence: dict[str, object] = {
        "action": name_of(action),
        "mirror": action.key.mirror,
        "path": action.key.path,
    }
    match action:
        case Create(stat=stat) | Update(stat=stat):
            essence["stat"] = [stat.size, stat.mtime_ns]
        case Adopt(document=adopted):
            essence["document"] = adopted.id
    match action:
        case Move(origin=origin):
            essence["origin"] = origin.path
    match action:
        case Update() | Delete() | Move() | SetMetadata() | Restore():
            essence["document"] = action.document_id
    return essence


def _order(action: Action) -> tuple[bool, str, str]:
    return isinstance(action, Delete), action.key.mirror, action.key.path


def _forecast(actions: Sequence[Action], per_minute: int | None) -> Forecast:
    uploads = [a.stat.size for a in actions if isinstance(a, Create | Update)]
    others = sum(isinstance(a, Delete | Restore) for a in actions)
    writes = len(uploads) + others
    minutes = writes / per_minute if per_minute else None
    return Forecast(writes=writes, upload_bytes=sum(uploads), minutes=minutes)
