"""The closing words of `apply`: what was done, what was not, and what to type next."""

from __future__ import annotations

import json
from collections import Counter

import click

from kbsync.engine.report import Report
from kbsync.messages import printable
from kbsync.passes import Applied
from kbsync.planning.render import guard_json, halted_lines

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


def show(done: Applied, *, as_json: bool) -> None:
    """Print what a pass did, for a program or for a person."""
    if as_json:
        _as_json(done)
    else:
        _as_text(done)


def _as_text(done: Applied) -> None:
    """Print the report of every mirror, failures by name and reason."""
    for report in done.reports:
        if report.notice is not None:
            click.echo(f"{report.mirror}: {report.notice}")
            click.echo(f"  next: {report.notice.next}")
        _stopped(report)
        _halted(report)
        _skipped(report)
        click.echo(summary(report))
    for halt in done.halts:
        click.echo(f"kbsync: mirror {halt.mirror}: {halt.problem}", err=True)


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


def _stopped(report: Report) -> None:
    stopped = sorted(report.stopped.items())
    for key, (kind, why) in stopped[:NAMED]:
        click.echo(f"{kind}: {printable(key.path)}: {why}")
        if why.next:
            click.echo(f"  next: {why.next}")
    if len(stopped) > NAMED:
        click.echo(f"{len(stopped) - NAMED} more; kbsync status --failed names each")


def _halted(report: Report) -> None:
    for line in halted_lines(report.halted) if report.halted else ():
        click.echo(line)


def _skipped(report: Report) -> None:
    following = ""
    for each in report.skipped[:NAMED]:
        if following and each.why.next != following:
            click.echo(f"  next: {following}")
        following = each.why.next
        click.echo(f"skipped: {printable(each.key.path)}: {each.why}")
    if following:
        click.echo(f"  next: {following}")
    if len(report.skipped) > NAMED:
        rest = Counter(each.why.code for each in report.skipped[NAMED:])
        told = ", ".join(f"{number} [{code}]" for code, number in sorted(rest.items()))
        click.echo(f"{len(report.skipped) - NAMED} more skipped: {told}; kbsync plan --json")


def _as_json(done: Applied) -> None:
    """Print the whole report as one object."""
    click.echo(
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
