"""A plan as JSON for programs, and what other texts share with it: sizes, times, the guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kbsync.model import Action, Adopt, BaseChange, Conflict, Halted, Hold, Move
from kbsync.planning.plan import Plan, name_of, reason_of

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
