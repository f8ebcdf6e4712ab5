"""The report of a pass, and the line of each step: what was done, what not, what to type next."""

from __future__ import annotations

import json
from collections import Counter

from kbsync.app.all_mirrors import Applied
from kbsync.commands.base import Output
from kbsync.engine.execute.results import Event, Report
from kbsync.messages import printable, verb
from kbsync.planning.plan import CHANGES, SET_BASE
from kbsync.planning.plan_text import by_reason, plain, sign_of
from kbsync.planning.render import guard_json, halted_lines

# More lines than these scroll the summary off the screen.
NAMED = 20
PAST = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "adopt": "adopted",
    "forget": "forgotten",
    "restore": "restored",
    "trash": "put into the trash",
    "move": "moved",
    "set_metadata": "given other metadata",
    SET_BASE: "settings set",
    "switch": "switched",
}


def show(output: Output, done: Applied, *, as_json: bool, full: bool = False) -> None:
    """Print the report of a pass, for a program or for a person.

    Args:
        output: where to.
        done: what the pass did.
        as_json: for a program.
        full: name every skipped file.
    """
    if as_json:
        _as_json(output, done)
    else:
        _as_text(output, done, full)


def _as_text(output: Output, done: Applied, full: bool) -> None:
    for report in done.reports:
        if report.notice is not None:
            output.say(f"{report.mirror}: {report.notice}")
            output.say(f"  next: {report.notice.next}")
        _stopped(output, report)
        _unfinished(output, report)
        _halted(output, report)
        _skipped(output, report, full)
        output.say(summary(report))
        if report.interrupted and not report.overdue:
            output.say(
                f"  next: go on with: {verb('apply -- {mirror}').line(mirror=report.mirror)}"
            )
    for halt in done.halts:
        output.warn(f"kbsync: mirror {halt.mirror}: {halt.problem}")


def summary(report: Report) -> str:
    """Return the closing line of one mirror, in which each document is counted once."""
    done = report.done - report.unproved
    parts = [f"{number} {PAST.get(name, name)}" for name, number in sorted(done.items())]
    kinds = Counter(kind for kind, _ in report.stopped.values())
    parts += [f"{number} {kind}" for kind, number in sorted(kinds.items())]
    parts.append(f"{report.unchanged} unchanged")
    if report.skipped:
        parts.append(f"{len(report.skipped)} skipped")
    if report.indexing:
        parts.append(f"{report.indexing} still indexing")
    if report.halted:
        parts.append(f"{len(report.halted.keys)} held back by the guard")
    if report.withheld:
        parts.append(f"{report.withheld} held until the base takes them")
    if report.waiting:
        parts.append(f"{report.waiting} waiting")
    if report.interrupted:
        parts.append("interrupted")
    return f"{report.mirror}: {', '.join(parts)}"


def _stopped(output: Output, report: Report) -> None:
    stopped = sorted(report.stopped.items())
    for key, (kind, why) in stopped[:NAMED]:
        output.say(f"{kind}: {printable(key.path)}: {why}")
        if why.next:
            output.say(f"  next: {why.next}")
    if len(stopped) > NAMED:
        each = verb("status --failed").line()
        output.say(f"{len(stopped) - NAMED} more; to see each: {each}")


def _unfinished(output: Output, report: Report) -> None:
    """Name what is left of a pass that was to leave nothing, or whose time was over."""
    if not report.overdue and (report.interrupted or not report.waited):
        return
    left = report.unfinished
    lines = [f"still indexing: {printable(key.path)}" for key in left.indexing]
    lines += [f"not done yet: {printable(key.path)}" for key in left.waiting]
    for line in lines[:NAMED]:
        output.say(line)
    if len(lines) > NAMED:
        output.say(f"{len(lines) - NAMED} more; --json names each")


def _halted(output: Output, report: Report) -> None:
    for line in halted_lines(report.halted) if report.halted else ():
        output.say(line)


def _skipped(output: Output, report: Report, full: bool) -> None:
    """Name each file; the first of each reason where nothing was done, or many were skipped."""
    if full or (report.done and len(report.skipped) <= NAMED):
        shown = [(each, printable(each.key.path)) for each in report.skipped]
    else:
        shown = by_reason(report.skipped)
    # Files skipped for one reason in a row share the line with the next step.
    following = ""
    for each, files in shown:
        if following and each.why.next != following:
            output.say(f"  next: {following}")
        following = each.why.next
        output.say(f"skipped: {files}: {each.why}")
    if following:
        output.say(f"  next: {following}")
    if len(report.skipped) > len(shown):
        output.say(f"  each skipped file by name: {verb('plan --full').line()}")


def _as_json(output: Output, done: Applied) -> None:
    output.say(
        json.dumps(
            {
                "exit": int(done.exit),
                "mirrors": [_report_json(report) for report in done.reports],
                "problems": [halt.as_json() for halt in done.halts],
            }
        )
    )


def _report_json(report: Report) -> dict[str, object]:
    return {
        "name": report.mirror,
        "done": dict(report.done),
        "unproved": dict(report.unproved),
        "unchanged": report.unchanged,
        "stale": sum(kind == "stale" for kind, _ in report.stopped.values()),
        "indexing": report.indexing,
        "waiting": report.waiting,
        "withheld": report.withheld,
        "interrupted": report.interrupted,
        "overdue": report.overdue,
        "unfinished": {
            "indexing": [key.path for key in report.unfinished.indexing],
            "waiting": [key.path for key in report.unfinished.waiting],
        },
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


def line_of(event: Event) -> str | None:
    """Return the line that reports `event`; None for steps that change nothing."""
    path = printable(event.key.path)
    if (event.action in CHANGES or event.action == SET_BASE) and event.outcome == "done":
        return f"{sign_of(event.action)} {path}  ({printable(plain(event.action, event.cause))})"
    if event.outcome == "failed":
        return f"! {path}  (indexing failed: {printable(event.cause)})"
    said = event.outcome == "waiting" or event.action == "wait"
    if said and event.why is not None:
        return f"? {path}  ({event.why})"
    return None
