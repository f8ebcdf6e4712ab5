"""`kbsync status`: what is where."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kbsync.cli import daemon_status, output
from kbsync.cli.command_line import CliContext
from kbsync.cli.daemon_status import DaemonView
from kbsync.cli.local_verbs import Status
from kbsync.config import Settings, load
from kbsync.messages import Exit, Notice, Problem, printable
from kbsync.messages import daemon as daemon_say
from kbsync.messages import verb as command_line
from kbsync.planning.render import size_of

if TYPE_CHECKING:
    from kbsync.app.status import MirrorOverview
    from kbsync.cli.cluster_status import ClusterView
    from kbsync.ledger.entries import Reason
    from kbsync.ledger.store import LedgerStore

_SHOWN = 5


def status(verb: Status, context: CliContext) -> int:
    """Print the overview; the exit code says whether everything is as it should be."""
    if verb.watch:
        from kbsync.cli.status_watch import watch  # noqa: PLC0415 - most looks are single

        return watch(partial(_once, verb, context))
    return _once(verb, context)


def _once(verb: Status, context: CliContext) -> int:
    try:
        settings = load(context.config, os.environ)
    except Problem as problem:
        return _of_daemon_alone(verb, context, problem)
    found = daemon_status.ask(settings)
    if verb.running:
        return daemon_status.show_alone(settings, found, as_json=verb.as_json)
    mirrors = _show(verb, settings, found)
    if found is not None and found.exit is not Exit.OK:
        return found.exit
    if any(each.guard for each in mirrors):
        return Exit.HALTED
    # A failed document is not found; a stale one is, with a text that is not in the folder.
    incomplete = any(e.failures or e.stale or e.unmet or e.withheld or e.blocked for e in mirrors)
    return Exit.INCOMPLETE if incomplete else Exit.OK


def _of_daemon_alone(verb: Status, context: CliContext, problem: Problem) -> int:
    """Show a daemon that works with the configuration of before.

    Raises:
        Problem: `problem`, where none answers.
    """
    from kbsync.config.place import known_place  # noqa: PLC0415 - a broken file is rare

    place = known_place(context.config, os.environ)
    found = daemon_status.ask(place) if place else None
    if place is None or found is None:
        raise problem
    code = daemon_status.show_alone(place, found, as_json=verb.as_json)
    output.warn(problem.notices)
    return code if verb.running else problem.exit


def _show(verb: Status, settings: Settings, found: DaemonView | None) -> Sequence[MirrorOverview]:
    # A health check types `status --running` every few seconds: what is loaded here takes 0.1 s,
    # a quarter of its time.
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.app.config_drift import changes  # noqa: PLC0415
    from kbsync.app.status import overview  # noqa: PLC0415

    with build.ledger_to_read(settings) as ledger:
        mirrors = list(overview(settings, ledger, foreign=verb.foreign))
        changed = list(changes(settings, ledger)) if ledger else []
        paused = ledger.paused() if ledger else {}
        cluster = _cluster(ledger) if ledger else None
    if verb.as_json:
        _json(mirrors, changed, found, cluster, paused)
        return mirrors
    output.warn(changed)
    for view in (found, cluster):
        for line in view.lines() if view else ():
            click.echo(line)
    for each in mirrors:
        _text(each, verb.failed)
        # A daemon that is not well says so itself, above.
        if each.blocked and (found is None or found.exit is Exit.OK):
            _notice(each.blocked)
        if found is None and each.name in paused:
            resuming = command_line("resume -- {mirror}").line(mirror=each.name)
            click.echo(f"  paused for the daemon\n  next: {resuming}")
        if each.guard and not (found and found.tells_of_the_guard(each.name)):
            _guard(each.guard)
        for view in (found, cluster):
            for line in view.mirror_lines(each.name) if view else ():
                click.echo(f"  {line}")
    return mirrors


def _cluster(ledger: LedgerStore) -> ClusterView | None:
    if ledger.location.path is not None:
        return None
    from kbsync.cli import cluster_status  # noqa: PLC0415 - a file has no cluster

    return cluster_status.ask(ledger)


def _json(
    mirrors: Sequence[MirrorOverview],
    changed: Sequence[Notice],
    found: DaemonView | None,
    cluster: ClusterView | None,
    paused: dict[str, float],
) -> None:
    shown = []
    for each in mirrors:
        kinds = {"failures": each.failures, "stale": each.stale, "unmet": each.unmet}
        reasons = {name: _reasons(found) for name, found in kinds.items()}
        known = {name: value for name, value in asdict(each).items() if value is not None}
        guard = {"halted": each.guard is not None, **(each.guard or {})}
        told = {**reasons, "guard": guard, "paused": each.name in paused}
        shown.append({"base_id": None, **known, **told})
    warnings = [each.as_json() for each in changed]
    daemon = found.answer if found else None
    fleet = cluster.as_json() if cluster else None
    told_of_all = {"warnings": warnings, "daemon": daemon, "cluster": fleet}
    click.echo(json.dumps({"mirrors": shown, **told_of_all}))


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    return [
        {"path": r.key.path, "state": r.state, "code": r.code, "reason": r.sentence}
        for r in reasons
    ]


def _text(each: MirrorOverview, failed: bool) -> None:
    states = ", ".join(f"{number} {state}" for state, number in each.documents.items() if number)
    foreign = f"; {each.foreign} foreign" if each.foreign else ""
    where = f"{printable(each.source)} → {printable(each.knowledge_base)} at {each.server}"
    click.echo(f"{each.name}: {states or 'nothing yet'}{foreign}  ({where})")
    for document in each.foreign_documents or ():
        click.echo(f"  foreign: {printable(document.name)}  (document {printable(document.id)})")
    for file in each.restless[:_SHOWN]:
        notice = daemon_say.RESTLESS(
            path=file.path, uploads=file.uploads, size=size_of(file.bytes), seconds=file.next_in
        )
        click.echo(f"  restless: {notice}")
    if each.restless:
        click.echo(f"  next: {notice.next}")
    if each.withheld:
        _notice(each.withheld)
    if each.stale:
        click.echo("  stale: the document no longer is what the file holds")
        pruning = command_line("apply --prune-stale").line()
        click.echo(f"  next: mend these files, or: {pruning}")
    if each.unmet:
        _unmet(each, failed)
    if not failed and (each.failures or each.stale or each.unmet):
        click.echo(f"  next: {command_line('status --failed').line()}")
    named = [(f.state, f) for f in each.failures] + [("stale", s) for s in each.stale]
    for state, why in [*named, *(("unmet", u) for u in each.unmet)] if failed else ():
        click.echo(f"  {state}: {printable(why.key.path)}: {printable(why.sentence)} [{why.code}]")
        click.echo(f"    next: {_next(why)}")


def _notice(why: Mapping[str, Any]) -> None:
    click.echo(f"  {printable(why['text'])} [{why['code']}]")
    click.echo(f"  next: {why['next']}")


def _guard(held: Mapping[str, Any]) -> None:
    """Print what the guard holds back, as `plan` and `apply` do."""
    for why in held["reasons"]:
        click.echo(f"  halted: {printable(why['reason'])} [{why['code']}]")
    click.echo(f"  next: {held['next']}")


def _unmet(each: MirrorOverview, failed: bool) -> None:
    """Print what is unmet by code, and of each code the first of it."""
    click.echo("  unmet: not as it should be when it was compared last")
    found: dict[str, list[Reason]] = {}
    for why in each.unmet:
        found.setdefault(why.code, []).append(why)
    for code, whys in found.items() if not failed else ():
        first = f"{printable(whys[0].key.path)}: {printable(whys[0].sentence)}"
        click.echo(f"    {len(whys)} {code}: {first}")


def _next(why: Reason) -> str:
    mirror, path = why.key.mirror, why.key.path
    if path.startswith("/"):  # a setting of the knowledge base
        return command_line("plan -- {mirror}").line(mirror=mirror)
    return command_line("explain --mirror {mirror} -- {path}").line(mirror=mirror, path=path)
