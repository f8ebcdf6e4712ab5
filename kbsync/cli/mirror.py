"""`kbsync mirror`: rename, forget or destroy what the ledger knows of a mirror."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from kbsync.cli import Place
from kbsync.messages import Exit, printable

if TYPE_CHECKING:
    from kbsync.engine.destroy import Destroyed
    from kbsync.engine.ports import Binding

NAMED = 20


@click.group(help="Rename, forget or destroy a mirror the ledger knows, in the file or not.")
def command() -> None:
    """Hold the three verbs together."""


@command.command(
    help="Call mirror OLD of the ledger NEW: its documents stay as they are and are not sent "
    "again. Rename it in the configuration too."
)
@click.argument("old")
@click.argument("new")
@click.pass_obj
def rename(place: Place, old: str, new: str) -> int:
    """Rename in the ledger, and say what the file has to say."""
    from kbsync import app, retire  # noqa: PLC0415
    from kbsync.cli import warn  # noqa: PLC0415

    settings = app.settings_of(place.config)
    with app.ledger_to_write(settings) as ledger:
        entries = retire.rename(ledger, old, new)
    click.echo(f"mirror {printable(old)} is called {printable(new)} now, with {entries} documents")
    warn(retire.still_declared(settings, old, new))
    return Exit.OK


@command.command(
    help="Forget all the ledger knows of mirror NAME. Its documents stay in the knowledge base; "
    "those that carry our marks are taken over again by a later plan."
)
@click.argument("name")
@click.pass_obj
def forget(place: Place, name: str) -> int:
    """Forget in the ledger; ask no server."""
    from kbsync import app  # noqa: PLC0415

    with app.ledger_to_write(app.settings_of(place.config)) as ledger:
        entries = ledger.forget_mirror(name)
    click.echo(
        f"mirror {printable(name)} is forgotten; its {entries} documents stay where they are"
    )
    return Exit.OK


@command.command(
    help="Delete every document of mirror NAME from its knowledge base, then forget the mirror. "
    "Other documents, the knowledge base and the files stay. "
    "Exit code: 0 all deleted, 3 some are left."
)
@click.argument("name")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
@click.pass_obj
def destroy(place: Place, name: str, sure: bool) -> int:
    """Ask, delete, forget."""
    import anyio  # noqa: PLC0415

    from kbsync import app, logs, retire  # noqa: PLC0415

    logs.configure(place.log_level)
    settings = app.settings_of(place.config)
    with app.ledger_to_write(settings) as ledger:
        binding = retire.known(ledger, name)
        count = sum(ledger.counts(name).values())
        if not sure and not _confirmed(binding, count):
            click.echo("nothing was deleted", err=True)
            return Exit.FAULT
        done = anyio.run(retire.destroy, settings, ledger, binding)
    _show(binding, done)
    return Exit.INCOMPLETE if done.left else Exit.OK


def _confirmed(binding: Binding, count: int) -> bool:
    from kbsync.messages import Problem  # noqa: PLC0415
    from kbsync.messages import command as say  # noqa: PLC0415

    where = printable(f"{binding.base_name} at {binding.server}")
    question = f"Delete the {count} documents of mirror {binding.mirror} from {where}?"
    if not sys.stdin.isatty():
        raise Problem(say.NEEDS_YES(question=question))
    return click.confirm(question, err=True)


def _show(binding: Binding, done: Destroyed) -> None:
    left = sorted(done.left.items())
    for key, why in left[:NAMED]:
        click.echo(f"left: {printable(key.path)}: {why}")
        if why.next:
            click.echo(f"  next: {why.next}")
    if len(left) > NAMED:
        click.echo(f"{len(left) - NAMED} more are left")
    base = printable(binding.base_name)
    told = f"{binding.mirror}: {done.deleted} deleted from {base}, which stays"
    if left:
        click.echo(f"{told}; {len(left)} are left, so the mirror is still known")
        click.echo(f"  next: kbsync mirror destroy {binding.mirror}")
    else:
        click.echo(f"{told}; the mirror is forgotten")
