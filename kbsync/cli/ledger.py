"""`kbsync ledger`: check, back up or copy the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext

if TYPE_CHECKING:
    from kbsync.config import Settings
    from kbsync.ledger.maintenance import Health
    from kbsync.ledger.store import LedgerStore

NAMED = 20


@click.group(help="Look after the ledger: check it, back it up, copy it to another place.")
def command() -> None:
    """Hold the three verbs together."""


@command.command(
    help="Read every page and row of the ledger, and say what is in it. It may be in use. "
    "Exit code: 0 sound, 1 not."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def check(place: CliContext, as_json: bool) -> int:
    """Check, and print what was found."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.messages import Exit, Problem  # noqa: PLC0415
    from kbsync.messages import ledger as say  # noqa: PLC0415

    with _open(build.settings_of(place.config)) as ledger:
        health, shown = ledger.health(), ledger.place.shown
    _json(shown, health) if as_json else _text(shown, health)
    if health.faults and not as_json:
        raise Problem(say.NOT_SOUND(place=shown, count=len(health.faults)))
    return Exit.FAULT if health.faults else Exit.OK


@command.command(
    help="Write a copy of the ledger to FILE, which must not be there. It may be in use. "
    "The copy is a ledger of its own, whatever database the ledger is in."
)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def backup(place: CliContext, file: Path) -> None:
    """Copy a consistent moment."""
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.messages import printable  # noqa: PLC0415

    with _open(build.settings_of(place.config)) as ledger:
        ledger.backup(file)
        shown = ledger.place.shown
    click.echo(f"{printable(shown)} is copied to {printable(str(file))}")


@command.command(
    help="Copy the ledger at FROM to TO, which must be empty, and compare both. Each is a path or "
    "a postgresql:// URL; none may be in use. The configuration is not read: name the new place "
    "there afterwards."
)
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
def copy(origin: str, target: str) -> None:
    """Copy every table, and print what the copy has."""
    from kbsync.ledger.store import LedgerStore  # noqa: PLC0415
    from kbsync.messages import Problem, printable  # noqa: PLC0415
    from kbsync.messages import ledger as say  # noqa: PLC0415

    _require(origin)
    with LedgerStore.open(origin, command="kbsync ledger copy") as old:
        if _same(origin, target):
            raise Problem(say.COPY_SAME(copy=old.place.shown))
        with LedgerStore.open(target, command="kbsync ledger copy") as new:
            copied = old.copy_to(new)
            shown = printable(new.place.shown)
    told = ", ".join(f"{number} {table}" for table, number in copied.rows.items() if number)
    click.echo(f"copied {told or 'an empty ledger'}; both have the checksum {copied.checksum}")
    click.echo(f"  next: set `ledger: {shown}` in the configuration, then kbsync plan")


def _open(settings: Settings) -> LedgerStore:
    from kbsync.ledger.store import LedgerStore  # noqa: PLC0415

    place = settings.ledger
    address = place.url or place.path
    assert address is not None  # noqa: S101 - loading fills in the default place
    return LedgerStore.open(address, readonly=True)


def _require(address: str) -> None:
    """See that a ledger is there: one that is to be written would be made."""
    from kbsync.ledger.store import LedgerStore  # noqa: PLC0415
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import ledger as say  # noqa: PLC0415

    try:
        LedgerStore.open(address, readonly=True).close()
    except Problem as problem:
        if problem.notice.message is not say.OLDER:
            raise


def _same(one: str, other: str) -> bool:
    from kbsync.ledger.location import find_place  # noqa: PLC0415

    first, second = find_place(one), find_place(other)
    return (first.path, first.url, first.schema) == (second.path, second.url, second.schema)


# -- what is shown -------------------------------------------------------------------------------


def _text(shown: str, health: Health) -> None:
    from kbsync.messages import printable  # noqa: PLC0415

    for fault in health.faults[:NAMED]:
        click.echo(f"! {printable(fault)}")
    for mirror, states in health.entries.items():
        told = ", ".join(f"{number} {state}" for state, number in states.items())
        click.echo(f"{mirror}: {told or 'no documents'}")
    for intent in health.intents[:NAMED]:
        path = printable(intent.key.path)
        click.echo(f"? {intent.key.mirror}: {path}  ({intent.op.value}, outcome not known yet)")
    if len(health.intents) > NAMED:
        click.echo(f"? {len(health.intents) - NAMED} more")
    told = ", ".join(f"{number} {table}" for table, number in health.rows.items() if number)
    state = "not sound" if health.faults else "sound"
    click.echo(f"{printable(shown)}: {state}; {told or 'no rows'}")


def _json(shown: str, health: Health) -> None:
    import json  # noqa: PLC0415

    intents = [
        {"mirror": each.key.mirror, "path": each.key.path, "op": each.op.value}
        for each in health.intents
    ]
    told = {
        "ledger": shown,
        "sound": not health.faults,
        "faults": health.faults,
        "mirrors": health.entries,
        "rows": health.rows,
        "intents": intents,
    }
    click.echo(json.dumps(told))
