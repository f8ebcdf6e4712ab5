"""`kbsync apply --release` while a cluster is at work: its workers carry out what was held back."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from kbsync.app import build
from kbsync.commands.base import Command
from kbsync.commands.writing_verbs import Apply, PlanOptions
from kbsync.config import Settings
from kbsync.messages import Exit, Problem
from kbsync.messages import ledger as say


def release(settings: Settings, command: Command, refusal: Problem) -> int:
    """Release in a cluster what the guard holds back; return the exit code.

    Args:
        settings: as loaded.
        command: what was typed.
        refusal: of the ledger, which a cluster has.

    Raises:
        Problem: `refusal`, where more is asked for than a release; or what was named is not held
            back.
    """
    if not isinstance(command, Apply) or not _is_a_release(command):
        raise refusal
    from kbsync.cluster import held_back  # noqa: PLC0415 - of the extra `cluster`
    from kbsync.cluster.cluster_database import ClusterDatabase  # noqa: PLC0415

    address = str(build.address_of(settings))
    with ClusterDatabase(address, "kbsync apply --release") as database:
        released = held_back.release(database, command.releases, command.mirrors)
    if command.as_json:
        click.echo(json.dumps({"released": [asdict(each) for each in released]}))
    else:
        for each in released:
            click.echo(str(say.RELEASED_IN_CLUSTER(**asdict(each))))
    return Exit.OK


def _is_a_release(command: Apply) -> bool:
    """Whether it releases, and asks for nothing else that the workers would not do."""
    return bool(command.releases) and command.saved is None and command.how == PlanOptions()
