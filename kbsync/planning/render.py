"""A plan as text for people and as JSON for programs. File names are made safe to print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kbsync.messages import printable, verb
from kbsync.model import (
    Action,
    Adopt,
    BaseChange,
    Cause,
    Conflict,
    Create,
    Delete,
    Halted,
    Hold,
    Move,
    Switch,
    Update,
)
from kbsync.planning.base_settings import in_short
from kbsync.planning.plan import Forecast, Plan, name_of, reason_of

SIGNS = {
    **{"create": "+", "update": "~", "delete": "-", "trash": "-"},
    **{"move": ">", "hold": "?", "conflict": "!"},
}
UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def as_json(plan: Plan) -> dict[str, object]:
    """Return the plan as the object of `kbsync plan --json` (docs/design.md section 1)."""
    return {
        "digest": plan.digest,
        "counts": plan.counts,
        "unchanged": plan.unchanged,
        "stale": plan.stale,
        "left_out": plan.left_out,
        "actions": [_action_json(action) for action in plan.actions],
        "knowledge_bases": [_setting_json(change) for change in plan.base],
        "skipped": [
            {
                "mirror": each.key.mirror,
                "path": each.key.path,
                "reason": each.why.text,
                "code": each.why.code,
            }
            for each in plan.skipped
        ],
        "forecast": {
            "writes": plan.forecast.writes,
            "upload_bytes": plan.forecast.upload_bytes,
            "minutes": plan.forecast.minutes,
            "indexing_minutes": plan.forecast.indexing_minutes,
        },
        "guard": guard_json(plan.halts),
    }


def guard_json(halts: Sequence[Halted]) -> dict[str, object]:
    """Return what the guard holds back; the first mirror's release stands on top."""
    if not halts:
        return {"halted": False}
    return {
        "halted": True,
        "reason": halts[0].why[0].text,
        "digest": halts[0].digest,
        "actions": sum(len(halted.keys) for halted in halts),
        "mirrors": [_halted_json(halted) for halted in halts],
    }


def _halted_json(halted: Halted) -> dict[str, object]:
    return {
        "mirror": halted.mirror,
        "reasons": [{"code": why.code, "reason": why.text} for why in halted.why],
        "digest": halted.digest,
        "actions": len(halted.keys),
    }


def halted_lines(halted: Halted) -> Iterator[str]:
    """Yield what a person reads of what is held back: each reason, and the command once."""
    for why in halted.why:
        yield f"halted: {why}"
    yield f"  next: {halted.why[-1].next}"


def _action_json(action: Action) -> dict[str, object]:
    shown: dict[str, object] = {
        "action": name_of(action),
        "mirror": action.key.mirror,
        "path": action.key.path,
        "cause": reason_of(action),
        "row": action.row,
    }
    document = action.document.id if isinstance(action, Adopt) else None
    document = getattr(action, "document_id", document)
    if document is not None:
        shown["document_id"] = document
    if isinstance(action, Move):
        shown["origin"] = action.origin.path
    if isinstance(action, Hold | Conflict):
        shown["code"] = action.why.code
    if isinstance(action, Hold) and action.until is not None:
        shown["until"] = action.until
    return shown


def _setting_json(change: BaseChange) -> dict[str, object]:
    shown: dict[str, object] = {
        "mirror": change.mirror,
        "knowledge_base": change.base,
        "setting": str(change.setting),
        "before": change.before,
        "after": change.after,
        "cause": str(change.cause),
    }
    if change.why is not None:
        shown |= {"reason": change.why.text, "code": change.why.code}
    return shown


def setting_line(change: BaseChange) -> str:
    """Return a setting of a knowledge base as a line: sign, what it is, and what becomes of it."""
    what = f"knowledge base {printable(change.base)}: {change.setting}"
    if change.why is not None:
        return f"? {what}  ({change.why})"
    after = printable(in_short(change.after))
    if change.cause is Cause.NEW:
        return f"+ {what}  (new: {after})"
    return f"~ {what}  ({change.cause}: {printable(in_short(change.before))} becomes {after})"


def as_text(plan: Plan, *, uncompared: int = 0, skipped: int = 20) -> Iterator[str]:
    """Yield the lines a person reads.

    Args:
        plan: what to show.
        uncompared: how many mirrors could not be planned, and so are not in it.
        skipped: how many skipped files are named; the rest are counted by reason.
    """
    for change in plan.base:
        yield setting_line(change)
    for action in plan.actions:
        yield line_of(action)
    for each in plan.skipped[:skipped]:
        yield f". {printable(each.key.path)}  ({each.why})"
    yield from _more_skipped(plan, skipped)
    yield summary(plan, uncompared)
    for halted in plan.halts:
        yield from halted_lines(halted)


def _more_skipped(plan: Plan, shown: int) -> Iterator[str]:
    rest = Counter(each.why.code for each in plan.skipped[shown:])
    each = verb("plan --json").line()
    for code, number in sorted(rest.items()):
        yield f". {number} more skipped [{code}]; to see each: {each}"


def line_of(action: Action) -> str:
    """Return one action as a line: sign, path, cause."""
    sign = SIGNS.get(name_of(action), "*")
    where = printable(action.key.path)
    match action:
        case Create(stat=stat) | Update(stat=stat):
            return f"{sign} {where}  ({reason_of(action)}, {size_of(stat.size)})"
        case Hold(why=why) | Conflict(why=why):
            return f"{sign} {where}  ({why})"
        case Delete():
            return f"{sign} {where}  ({reason_of(action)})"
        case Move(origin=origin):
            return f"{sign} {where}  (moved from {printable(origin.path)})"
        case Switch(enabled=enabled):
            return f"{sign} {where}  ({'enable' if enabled else 'disable'}: as declared)"
    return f"{sign} {where}  ({name_of(action)}: {reason_of(action)})"


def summary(plan: Plan, uncompared: int = 0) -> str:
    """Return the closing line: what, how much, how long."""
    counts = ", ".join(f"{number} {name}" for name, number in plan.counts.items())
    nothing = "nothing to do in the others" if uncompared else "nothing to do"
    parts = [counts or nothing, f"{plan.unchanged} unchanged"]
    if uncompared:
        mirrors = "mirror" if uncompared == 1 else "mirrors"
        parts.insert(0, f"{uncompared} {mirrors} not compared")
    if plan.held_settings:
        held = len(plan.held_settings)
        parts.append(f"{held} setting{'s' if held > 1 else ''} held")
    if plan.stale:
        parts.append(f"{plan.stale} stale")
    if plan.skipped:
        parts.append(f"{len(plan.skipped)} skipped")
    if plan.left_out:
        parts.append(f"{plan.left_out} left out by default")
    if plan.forecast.upload_bytes:
        parts.append(f"{size_of(plan.forecast.upload_bytes)} to upload")
    parts += _how_long(plan.forecast)
    return "; ".join(parts)


def _how_long(forecast: Forecast) -> Iterator[str]:
    if forecast.minutes:
        yield f"{minutes_of(forecast.minutes)} at the rate limit"
    if forecast.indexing_minutes:
        yield f"{minutes_of(forecast.indexing_minutes)} of indexing at the rate seen last"


def minutes_of(minutes: float) -> str:
    """Return minutes for people."""
    rounded = round(minutes)
    if rounded < 1:
        return "less than a minute"
    return "1 minute" if rounded == 1 else f"{rounded} minutes"


def size_of(size: float) -> str:
    """Return a number of bytes for people."""
    for unit in UNITS:
        if size < 1024 or unit == UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("the last unit takes every size")
