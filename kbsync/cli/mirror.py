"""`kbsync mirror`: rename, forget or destroy what the ledger knows of a mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext

if TYPE_CHECKING:
    from kbsync.commands.base import Command


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
def rename(place: CliContext, old: str, new: str) -> int:
    """Have it renamed in the ledger."""
    from kbsync.commands.mirror import RenameMirror  # noqa: PLC0415

    return _carried(place, RenameMirror(old=old, new=new))


@command.command(
    help="Forget all the ledger knows of mirror NAME. Its documents stay in the knowledge base; "
    "those that carry our marks are taken over again by a later plan."
)
@click.argument("name")
@click.pass_obj
def forget(place: CliContext, name: str) -> int:
    """Have it forgotten in the ledger."""
    from kbsync.commands.mirror import ForgetMirror  # noqa: PLC0415

    return _carried(place, ForgetMirror(name=name))


@command.command(
    help="Delete every document of mirror NAME from its knowledge base, then forget the mirror. "
    "Other documents, the knowledge base and the files stay. "
    "Exit code: 0 all deleted, 3 some are left."
)
@click.argument("name")
@click.option("--yes", "sure", is_flag=True, help="Do not ask.")
@click.pass_obj
def destroy(place: CliContext, name: str, sure: bool) -> int:
    """Have its documents deleted, after a question."""
    from kbsync.commands.mirror import DestroyMirror  # noqa: PLC0415

    return _carried(place, DestroyMirror(name=name, sure=sure))


def _carried(place: CliContext, errand: Command) -> int:
    from kbsync.app import build  # noqa: PLC0415
    from kbsync.cli.dispatch import carry_out  # noqa: PLC0415

    return carry_out(place, build.settings_of(place.config), errand).exit
