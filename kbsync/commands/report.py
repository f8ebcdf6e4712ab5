"""The closing words of `apply`: what was done, what was not, and what to type next."""

from __future__ import annotations

import json
from collections import Counter

from kbsync.app.all_mirrors import Applied
from kbsync.commands.base import Output
from kbsync.engine.execute.results import Event, Report
from kbsync.messages import printable
from kbsync.planning.plan import CHANGES
from kbsync.planning.render import SIGNS, guard_json, halted_lines

NAMED = 20
PAST = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "adopt": "adopted",
    "forget": "forgotten",
    "restore": "restored",
    "move": "moved",
    "set_metadata": "marked",
}


def show(teller: Output, done: Applied, *, as_json: bool) -> None:
    """Tell what a pass did, for a program or for a person."""
    if as_json:
        _as_json(teller, done)
    else:
        _as_text(teller, done)


def _as_text(teller: Output, done: Applied) -> None:
    """Tell the report of every mirror, failures by name and reason."""
    for report in done.reports:
        if report.notice is not None:
            teller.say(f"{report.mirror}: {report.notice}")
            teller.say(f"  next: {report.notice.next}")
        _stopped(teller, report)
        _halted(teller, report)
        _skipped(teller, report)
        teller.say(summary(report))
    for halt in done.halts:
        teller.warn(f"kbsync: mirror {halt.mirror}: {halt.problem}")


def summary(report: Report) -> str:
    """Return the closing line of one mirror."""
    told = [f"{number} {PAST.get(name, name)}" for name, number in sorted(report.done.items())]
    kinds = Counter(kind for kind, _ in report.stopped.values())
    told += [f"{number} {kind}" for kind, number in sorted(kinds.items())]
    told.append(f"{report.unchanged} unchanged")
    if report.skipped:
        told.append(f"{len(report.skipped)} skipped")
    if report.indexing:
        told.append(f"{report.indexing} still indexing")
    if report.halted:
        told.append(f"{len(report.halted.keys)} held back by the guard")
    if report.waiting:
        told.append(f"{report.waiting} waiting")
    if report.interrupted:
        told.append("interrupted")
    return f"{report.mirror}: {', '.join(told)}"


def _stopped(teller: Output, report: Report) -> None:
    stopped = sorted(report.stopped.items())
    for key, (kind, why) in stopped[:NAMED]:
        teller.say(f"{kind}: {printable(key.path)}: {why}")
        if why.next:
            teller.say(f"  next: {why.next}")
    if len(stopped) > NAMED:
        teller.say(f"{len(stopped) - NAMED} more; kbsync status --failed names each")


def _halted(teller: Output, report: Report) -> None:
    for line in halted_lines(report.halted) if report.halted else ():
        teller.say(line)


def _skipped(teller: Output, report: Report) -> None:
    following = ""
    for each in report.skipped[:NAMED]:
        if following and each.why.next != following:
            teller.say(f"  next: {following}")
        following = each.why.next
        teller.say(f"skipped: {printable(each.key.path)}: {each.why}")
    if following:
        teller.say(f"  next: {following}")
    if len(report.skipped) > NAMED:
        rest = Counter(each.why.code for each in report.skipped[NAMED:])
        told = ", ".join(f"{number} [{code}]" for code, number in sorted(rest.items()))
        teller.say(f"{len(report.skipped) - NAMED} more skipped: {told}; kbsync plan --json")


def _as_json(teller: Output, done: Applied) -> None:
    """Tell the whole report as one object."""
    teller.say(
        json.dumps(
            {
                "exit": int(done.exit),
                "mirrors": [_report_json(report) for report in done.reports],
                "problems": [
                    {
                        "mirror": halt.mirror,
                        "code": halt.problem.notice.code,
                        "reason": halt.problem.notice.text,
                        "next": halt.problem.notice.next,
                    }
                    for halt in done.halts
                ],
            }
        )
    )


def _report_json(report: Report) -> dict[str, object]:
    return {
        "name": report.mirror,
        "done": dict(report.done),
        "unchanged": report.unchanged,
        "indexing": report.indexing,
        "waiting": report.waiting,
        "interrupted": report.interrupted,
        "notice": report.notice.code if report.notice else None,
        "guard": guard_json([report.halted] if report.halted else []),
        "stopped": [
            {"path": key.path, "kind": kind, "code": why.code, "reason": why.text}
            for key, (kind, why) in sorted(report.stopped.items())
        ],
        "skipped": [
            {"path": each.key.path, "code": each.why.code, "reason": each.why.text}
            for each in report.skipped
        ],
    }


# -- One step of a pass as a line for people.


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
