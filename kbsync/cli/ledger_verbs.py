"""The verbs that look after the ledger: what each takes."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click

from kbsync.cli.command_line import LocalVerb, local_verb
from kbsync.commands.options import VerbGroup, argument, flag

JSON = "Print one JSON object."


@local_verb
class CheckLedger(LocalVerb):
    """Check the ledger."""

    help: ClassVar[str] = (
        "Read every page and row of the ledger, and say what is in it. It may be in use. "
        "Exit code: 0 sound, 1 not."
    )
    examples: ClassVar[tuple[str, ...]] = ("kbsync ledger check",)
    work: ClassVar[str] = "kbsync.cli.ledger:check"
    as_json: bool = flag("--json", help=JSON)


@local_verb
class BackUpLedger(LocalVerb):
    """Write a copy of the ledger to a file."""

    help: ClassVar[str] = (
        "Write a copy of the ledger to FILE, which must not be there. It may be in use. "
        "The copy is a ledger of its own, whatever database the ledger is in."
    )
    examples: ClassVar[tuple[str, ...]] = ("kbsync ledger backup ledger.backup.db",)
    work: ClassVar[str] = "kbsync.cli.ledger:backup"
    file: Path = argument(type=click.Path(path_type=Path))


@local_verb
class RestoreLedger(LocalVerb):
    """Put a backup in the ledger's place."""

    help: ClassVar[str] = (
        "Put FILE, a backup, in the place of the ledger, which must not be in use: stop the daemon "
        "first. The ledger of before stays beside it under another name. Never copy a backup there "
        "by hand: what is left of the old ledger's log would be written into it. A ledger on "
        "PostgreSQL has to be empty. What was done since the backup is found by the next plan."
    )
    examples: ClassVar[tuple[str, ...]] = ("kbsync ledger restore ledger.backup.db",)
    work: ClassVar[str] = "kbsync.cli.ledger:restore"
    file: Path = argument(type=click.Path(path_type=Path))


@local_verb
class CopyLedger(LocalVerb):
    """Copy a ledger into another, empty place."""

    help: ClassVar[str] = (
        "Copy the ledger at FROM to TO, which must be empty, and compare both. Each is a path or "
        "a postgresql:// URL; none may be in use. The configuration is not read: name the new "
        "place there afterwards."
    )
    examples: ClassVar[tuple[str, ...]] = (
        "kbsync ledger copy ./state/ledger.db postgresql://kbsync@/kbsync",
    )
    work: ClassVar[str] = "kbsync.cli.ledger:copy"
    origin: str = argument(metavar="FROM")
    target: str = argument(metavar="TO")


LEDGER = VerbGroup(
    "Look after the ledger: check it, back it up, restore it, copy it to another place.",
    {
        "check": CheckLedger,
        "backup": BackUpLedger,
        "restore": RestoreLedger,
        "copy": CopyLedger,
    },
)
