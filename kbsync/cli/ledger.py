"""`kbsync ledger`: check, back up, restore or copy the ledger."""

from __future__ import annotations

import json

import click

from kbsync.app import build
from kbsync.cli.command_line import CliContext
from kbsync.cli.ledger_verbs import BackUpLedger, CheckLedger, CopyLedger, RestoreLedger
from kbsync.config import Settings
from kbsync.ledger import restoring
from kbsync.ledger.location import find_location
from kbsync.ledger.maintenance import Health
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import ledger as say
from kbsync.messages import verb as command_line

NAMED = 20


def check(verb: CheckLedger, context: CliContext) -> int:
    """Check, and print what was found."""
    with _open(build.settings_of(context.config)) as ledger:
        health, shown = ledger.health(), ledger.location.shown
    _json(shown, health) if verb.as_json else _text(shown, health)
    if health.faults and not verb.as_json:
        raise Problem(say.NOT_SOUND(place=shown, count=len(health.faults)))
    return Exit.FAULT if health.faults else Exit.OK


def backup(verb: BackUpLedger, context: CliContext) -> None:
    """Copy a consistent moment."""
    with _open(build.settings_of(context.config)) as ledger:
        ledger.backup(verb.file)
        shown = ledger.location.shown
    click.echo(f"{printable(shown)} is copied to {printable(str(verb.file))}")


def restore(verb: RestoreLedger, context: CliContext) -> None:
    """Put a backup in the ledger's place, and print where the old one is."""
    settings = build.settings_of(context.config)
    kept = restoring.restore(verb.file, build.address_of(settings))
    click.echo(f"{printable(str(verb.file))} is the ledger now")
    if kept is not None:
        click.echo(f"  the ledger of before: {printable(kept)}")
    click.echo(f"  next, what was done since the backup is found by: {command_line('plan').line()}")


def copy(verb: CopyLedger, context: CliContext) -> None:
    """Copy every table, and print what the copy has."""
    _require(verb.origin)
    with LedgerStore.open(verb.origin, command="kbsync ledger copy") as old:
        if _same(verb.origin, verb.target):
            raise Problem(say.COPY_SAME(copy=old.location.shown))
        with LedgerStore.open(verb.target, command="kbsync ledger copy") as new:
            copied = old.copy_to(new)
            shown = printable(new.location.shown)
    rows = ", ".join(f"{number} {table}" for table, number in copied.rows.items() if number)
    click.echo(f"copied {rows or 'an empty ledger'}; both have the checksum {copied.checksum}")
    planning = command_line("plan").line()
    click.echo(f"  next: set `ledger: {shown}` in the configuration, then: {planning}")


def _open(settings: Settings) -> LedgerStore:
    place = settings.ledger
    address = place.url or place.path
    assert address is not None  # noqa: S101 - loading fills in the default place
    return LedgerStore.open(address, readonly=True)


def _require(address: str) -> None:
    """Check that a ledger is there: opening it to write would make one."""
    try:
        LedgerStore.open(address, readonly=True).close()
    except Problem as problem:
        # An older ledger is upgraded when it is opened to write.
        if problem.notice.message is not say.OLDER:
            raise


def _same(one: str, other: str) -> bool:
    first, second = find_location(one), find_location(other)
    return (first.path, first.url, first.schema) == (second.path, second.url, second.schema)


def _text(shown: str, health: Health) -> None:
    for fault in health.faults[:NAMED]:
        click.echo(f"! {printable(fault)}")
    for mirror, states in health.entries.items():
        counts = ", ".join(f"{number} {state}" for state, number in states.items())
        click.echo(f"{mirror}: {counts or 'no documents'}")
    for intent in health.intents[:NAMED]:
        path = printable(intent.key.path)
        click.echo(f"? {intent.key.mirror}: {path}  ({intent.op.value}, outcome not known yet)")
    if len(health.intents) > NAMED:
        click.echo(f"? {len(health.intents) - NAMED} more")
    rows = ", ".join(f"{number} {table}" for table, number in health.rows.items() if number)
    state = "not sound" if health.faults else "sound"
    click.echo(f"{printable(shown)}: {state}; {rows or 'no rows'}")


def _json(shown: str, health: Health) -> None:
    intents = [
        {"mirror": each.key.mirror, "path": each.key.path, "op": each.op.value}
        for each in health.intents
    ]
    found = {
        "ledger": shown,
        "sound": not health.faults,
        "faults": health.faults,
        "mirrors": health.entries,
        "rows": health.rows,
        "intents": intents,
    }
    click.echo(json.dumps(found))
