"""An errand is carried out here, or by the daemon if one keeps the mirrors."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from kbsync.cli import CliContext
from kbsync.messages import Problem
from kbsync.messages import ledger as ledger_say

if TYPE_CHECKING:
    from kbsync.commands.base import Command
    from kbsync.config import Settings
    from kbsync.service.control_client import Answer


LOOKS, BETWEEN = 3, 0.2


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How an errand ended: its exit code, and the content of the file it was to make."""

    exit: int
    kept: str | None = None


def carry_out(place: CliContext, settings: Settings, errand: Command) -> CommandResult:
    """Have `errand` carried out, print what it says, and return how it ended.

    Args:
        place: where the configuration is, and what to log.
        settings: the configuration.
        errand: what is wanted.

    Raises:
        Problem: it cannot be done.
    """
    from kbsync.service import control_client  # noqa: PLC0415

    answer = control_client.hand_over(settings, errand, _print)
    if answer is None:
        try:
            return _alone(place, settings, errand)
        except Problem as problem:
            answer = _late(settings, errand, problem)
    if answer.question is not None:
        answer = _asked(settings, errand, answer)
    return CommandResult(answer.exit, answer.kept)


def _late(settings: Settings, errand: Command, problem: Problem) -> Answer:
    """Ask a daemon that began to listen only after it took the ledger.

    Raises:
        Problem: no daemon did, or that is not what `problem` is about.
    """
    from kbsync.service import control_client  # noqa: PLC0415

    if problem.notice.message is not ledger_say.LOCKED:
        raise problem
    for _ in range(LOOKS):
        time.sleep(BETWEEN)
        answer = control_client.hand_over(settings, errand, _print)
        if answer is not None:
            return answer
    raise problem


def _asked(settings: Settings, errand: Command, answer: Answer) -> Answer:
    """Ask here what the daemon has to know, and hand the errand over again."""
    from kbsync.cli.local_context import ask  # noqa: PLC0415
    from kbsync.messages import Exit  # noqa: PLC0415
    from kbsync.messages import daemon as say  # noqa: PLC0415
    from kbsync.service import control_client  # noqa: PLC0415

    assert answer.question is not None  # noqa: S101 - seen by the caller
    if not ask(answer.question.text):
        click.echo(errand.declined, err=True)
        return control_client.Answer(exit=Exit.FAULT)
    agreed = errand.agreeing(answer.question.digest)
    again = control_client.hand_over(settings, agreed, _print)
    if again is None:
        raise Problem(say.HUNG_UP())
    return again


def _print(text: str, error: bool) -> None:
    click.echo(text, err=error, nl=False)


def _alone(place: CliContext, settings: Settings, errand: Command) -> CommandResult:
    import anyio  # noqa: PLC0415

    from kbsync.app import logs  # noqa: PLC0415
    from kbsync.cli.local_context import LocalContext  # noqa: PLC0415

    logs.configure(place.log_level)
    desk = LocalContext(settings)
    return CommandResult(anyio.run(errand.run, desk), desk.kept)
