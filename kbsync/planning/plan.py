"""A plan is a value: sorted, counted, hashed, refused, rendered (docs/design.md section 3)."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice
from kbsync.model import (
    Action,
    Adopt,
    BaseChange,
    Cause,
    Conflict,
    Create,
    Delete,
    DocKey,
    Halted,
    Hold,
    Move,
    Noop,
    Restore,
    SetMetadata,
    Skipped,
    Switch,
    Trash,
    Update,
)
from kbsync.planning.staleness import is_stale

COUNTED = (
    "create",
    "update",
    "move",
    "set_metadata",
    "adopt",
    "restore",
    "trash",
    "switch",
    "delete",
    "forget",
    "hold",
    "conflict",
    "resolve",
)
# A setting of the knowledge base: no key has it, so that it is no `Action`.
SET_BASE = "set_base"
CHANGES = frozenset(COUNTED) - {"hold", "conflict"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What carrying the plan out costs.

    Args:
        writes: write requests to the server.
        upload_bytes: bytes of file content to send.
        minutes: at the declared rate limit; None when there is none.
        indexing_minutes: at the rate the server indexed at last; None when nothing was seen yet.
    """

    writes: int
    upload_bytes: int
    minutes: float | None = None
    indexing_minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How fast it can go.

    Args:
        requests_per_minute: the declared write limit; None for none.
        indexed_per_minute: documents, as observed; None when nothing was seen yet.
    """

    requests_per_minute: int | None = None
    indexed_per_minute: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would be done, in the order it would be done.

    Args:
        digest: names exactly this plan, stable over processes and hash seeds.
        halts: what the guard holds back, at most one for each mirror.
        skipped: files that are never uploaded and have no document, with the reason.
        unchanged: files that need nothing.
        left_out: files and folders that the default list leaves out.
        base: declared settings that the knowledge bases do not have.
    """

    actions: tuple[Action, ...]
    digest: str
    forecast: Forecast
    halts: tuple[Halted, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unchanged: int = 0
    left_out: int = 0
    base: tuple[BaseChange, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of actions by name in snake case; zero rows are left out."""
        found = Counter(name_of(action) for action in self.actions)
        found[SET_BASE] = sum(map(_sets, self.base))
        return {name: found[name] for name in (*COUNTED, SET_BASE) if found[name]}

    @property
    def changes(self) -> bool:
        """Whether carrying it out would change anything, here or there."""
        return any(name_of(action) in CHANGES for action in self.actions) or any(
            map(_sets, self.base)
        )

    @property
    def held_settings(self) -> tuple[BaseChange, ...]:
        """The declared settings that are left as they are."""
        return tuple(each for each in self.base if each.why is not None)

    @property
    def stale(self) -> int:
        """How many documents hold what their file held before."""
        return sum(map(is_stale, self.actions))

    @property
    def unmet(self) -> bool:
        """Whether something stays as it is that a person has to see to: `apply` ends with 3."""
        return bool(unmet_of(self.actions, self.base))

    def with_base(self, base: Sequence[BaseChange]) -> Plan:
        """Return the plan with what differs of the knowledge base itself.

        The settings of a base that is still to be made are in it only where it will be made:
        with its first document.
        """
        wanted = any(name_of(action) in CHANGES for action in self.actions)
        kept = tuple(each for each in base if wanted or each.cause is not Cause.NEW)
        return replace(self, base=kept, digest=digest_of(self.actions, kept))


def unmet_of(actions: Iterable[Action], base: Iterable[BaseChange]) -> dict[DocKey, Notice]:
    """Return what stays as it is, with the reason, and a person has to see to."""
    unmet: dict[DocKey, Notice] = {}
    for action in actions:
        if isinstance(action, Hold | Conflict) and not _passes_by_itself(action):
            unmet[action.key] = action.why
    for each in base:
        if each.why is not None and each.why.message.exit is not Exit.OK:
            unmet[each.key] = each.why
    return unmet


def _passes_by_itself(action: Hold | Conflict) -> bool:
    """Whether a hold is as it should be, or waits for the server alone."""
    return action.cause is Cause.INDEXING or action.why.message.exit is Exit.OK


def _sets(change: BaseChange) -> bool:
    """Whether a setting is to be set once its base is there."""
    return change.why is None and change.cause is not Cause.NEW


def name_of(action: Action) -> str:
    """Return the action's name in snake case."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(action).__name__).lower()


def keys_of(action: Action) -> tuple[DocKey, ...]:
    """Return the keys an action is about: its own, and where a move comes from."""
    return (action.key, action.origin) if isinstance(action, Move) else (action.key,)


def reason_of(action: Action) -> str:
    """Return the cause of an action; of a Hold or Conflict the sentence that says why."""
    match action:
        case Hold(why=why) | Conflict(why=why):
            return str(why)
    return str(action.cause)


def make_plan(
    actions: Iterable[Action],
    *,
    skipped: Iterable[Skipped] = (),
    unchanged: int = 0,
    rates: Rates | None = None,
    halts: Iterable[Halted] = (),
) -> Plan:
    """Return the plan that carries out `actions`: uploads before deletes, then by path.

    Args:
        actions: one per key, in any order; `Noop` is left out.
        skipped: files that are reported and never uploaded.
        unchanged: files that need nothing.
        rates: for the forecast.
        halts: what the guard holds back.
    """
    # Uploads before deletes: readers of the base see no gap.
    kept = sorted((a for a in actions if not isinstance(a, Noop)), key=_order)
    return Plan(
        actions=tuple(kept),
        digest=digest_of(kept),
        forecast=_forecast(kept, rates or Rates()),
        halts=tuple(halts),
        skipped=tuple(skipped),
        unchanged=unchanged,
    )


def digest_of(actions: Iterable[Action], base: Iterable[BaseChange] = ()) -> str:
    """Return a sha256 over what would be done; the order and the words do not count."""
    settings = ({"setting": e.setting, "mirror": e.mirror, "value": e.after} for e in base)
    essences = [*map(_essence, actions), *settings]
    lines = sorted(json.dumps(essence, sort_keys=True) for essence in essences)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _essence(action: Action) -> Mapping[str, object]:
    essence: dict[str, object] = {
        "action": name_of(action),
        "mirror": action.key.mirror,
        "path": action.key.path,
    }
    match action:
        case Create(stat=stat) | Update(stat=stat):
            # No inode: a plan stays valid when a file is restored with its times.
            essence["stat"] = [stat.size, stat.mtime_ns]
        case Adopt(document=adopted):
            essence["document"] = adopted.id
    match action:
        case Move(origin=origin):
            essence["origin"] = origin.path
    match action:
        case Switch():
            essence |= {"document": action.document_id, "enabled": action.enabled}
        case Update() | Delete() | Move() | SetMetadata() | Trash() | Restore():
            essence["document"] = action.document_id
    return essence


def _order(action: Action) -> tuple[bool, str, str]:
    return isinstance(action, Delete | Trash), action.key.mirror, action.key.path


def joined(plans: Sequence[Plan]) -> Plan:
    """Return the plans of several mirrors as one. Mirrors are done one after the other."""
    actions = sorted((action for plan in plans for action in plan.actions), key=_order)
    base = tuple(change for plan in plans for change in plan.base)
    return Plan(
        actions=tuple(actions),
        base=base,
        digest=digest_of(actions, base),
        forecast=Forecast(
            writes=sum(plan.forecast.writes for plan in plans),
            upload_bytes=sum(plan.forecast.upload_bytes for plan in plans),
            minutes=_sum(plan.forecast.minutes for plan in plans),
            indexing_minutes=_sum(plan.forecast.indexing_minutes for plan in plans),
        ),
        halts=tuple(halted for plan in plans for halted in plan.halts),
        skipped=tuple(skipped for plan in plans for skipped in plan.skipped),
        unchanged=sum(plan.unchanged for plan in plans),
        left_out=sum(plan.left_out for plan in plans),
    )


def _sum(minutes: Iterable[float | None]) -> float | None:
    known = [each for each in minutes if each is not None]
    return sum(known) if known else None


def _forecast(actions: Sequence[Action], rates: Rates) -> Forecast:
    uploads = [a.stat.size for a in actions if isinstance(a, Create | Update)]
    others = sum(isinstance(a, Delete | Restore | Switch) or _switches(a) for a in actions)
    writes = len(uploads) + others
    # Marks are not counted: one request writes hundreds of them.
    limit, rate = rates.requests_per_minute, rates.indexed_per_minute
    return Forecast(
        writes=writes,
        upload_bytes=sum(uploads),
        minutes=writes / limit if limit else None,
        indexing_minutes=len(uploads) / rate if rate else None,
    )


def _switches(action: Action) -> bool:
    return isinstance(action, Trash) and action.disable


def indexing_rate(spans: Iterable[tuple[float, float]]) -> float | None:
    """Return how many documents a minute were indexed while any was; None when none was.

    Args:
        spans: begin and end of each document's indexing, in seconds.
    """
    ordered = sorted(spans)
    busy, until = 0.0, float("-inf")
    for begin, end in ordered:
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    return 60.0 * len(ordered) / busy if busy else None
