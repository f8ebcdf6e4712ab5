"""A command is carried out by the daemon if one holds the ledger, and otherwise here."""

from __future__ import annotations

import os
import pkgutil
import time
from functools import partial
from typing import Any

import anyio
import click

from kbsync.app import build
from kbsync.cli import local_context, output, streams
from kbsync.cli.colours import styled
from kbsync.cli.command_line import CliContext
from kbsync.commands.base import Command
from kbsync.config import Settings
from kbsync.config.place import known_place
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Problem
from kbsync.messages import daemon as say
from kbsync.messages import ledger as ledger_say
from kbsync.service import control_client
from kbsync.service.control_client import Answer

# A daemon takes the ledger a moment before it listens.
LOOKS, BETWEEN = 3, 0.2


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended: its exit code, and the content of the file it was to write."""

    exit: int
    file: str | None = None


def run(kind: type[Command], typed: dict[str, Any], context: CliContext) -> int:
    """Carry out what was typed, and return the exit code.

    Args:
        kind: the declaration.
        typed: its fields, as they were typed.
        context: where the configuration is, and what to log.

    Raises:
        Problem: it cannot be done.
    """
    try:
        settings = build.settings_of(context.config)
    except Problem as problem:
        return _by_daemon_alone(kind, typed, context, problem)
    command = _command(kind, typed, settings)
    if kind.changes:
        streams.go_on()
    result = dispatch(context, settings, command)
    if result.file is not None:
        line = pkgutil.resolve_name(kind.save)(typed, result.file)
        if line:
            click.echo(line)
    return result.exit


def _by_daemon_alone(
    kind: type[Command], typed: dict[str, Any], context: CliContext, problem: Problem
) -> int:
    """Have a daemon that works with the configuration of before carry out what it alone can.

    Raises:
        Problem: `problem`, where no daemon answers or more than a daemon is needed.
    """
    place = known_place(context.config, os.environ) if kind.asks_daemon else None
    answer = control_client.hand_over(place, kind(**typed), _print) if place else None
    if answer is None:
        raise problem
    if answer.exit == Exit.OK:
        output.warn(problem.notices)
    return answer.exit


def _command(kind: type[Command], typed: dict[str, Any], settings: Settings) -> Command:
    if not kind.prepare:
        return kind(**typed)
    command: Command = pkgutil.resolve_name(kind.prepare)(settings, typed)
    return command


def dispatch(context: CliContext, settings: Settings, command: Command) -> CommandResult:
    """Have `command` carried out, print its lines, and return how it ended.

    Raises:
        Problem: it cannot be done.
    """
    answer = control_client.hand_over(settings, command, _print)
    if answer is None:
        try:
            return _here(context, settings, command)
        except Problem as problem:
            if problem.notice.message is ledger_say.CLUSTER_AT_WORK:
                release = pkgutil.resolve_name("kbsync.cli.cluster_release:release")
                return CommandResult(release(settings, command, problem), None)
            answer = _ask_late_daemon(settings, command, problem)
    if answer.question is not None:
        answer = _confirmed(settings, command, answer)
    return CommandResult(answer.exit, answer.file)


def _ask_late_daemon(settings: Settings, command: Command, problem: Problem) -> Answer:
    """Ask a daemon that began to listen only after it took the ledger.

    Raises:
        Problem: no daemon did, or that is not what `problem` is about.
    """
    if problem.notice.message is not ledger_say.LOCKED:
        raise problem
    for _ in range(LOOKS):
        time.sleep(BETWEEN)
        answer = control_client.hand_over(settings, command, _print)
        if answer is not None:
            return answer
    raise problem


def _confirmed(settings: Settings, command: Command, answer: Answer) -> Answer:
    """Ask the daemon's question here, and hand the command over again."""
    assert answer.question is not None  # noqa: S101 - seen by the caller
    if not local_context.ask(answer.question.text):
        click.echo(command.declined, err=True)
        return Answer(exit=Exit.FAULT)
    agreed = command.agreeing(answer.question.digest)
    again = control_client.hand_over(settings, agreed, _print)
    # The daemon ended while the person thought.
    if again is None:
        raise Problem(say.HUNG_UP())
    return again


def _print(text: str, error: bool) -> None:
    click.echo(text if error else styled(text), err=error, nl=False)


def _here(context: CliContext, settings: Settings, command: Command) -> CommandResult:
    local = local_context.LocalContext(settings, context.log_level)
    work = partial(local.patience.carried_out, partial(command.run, local), within=command.bound)
    return CommandResult(anyio.run(work), local.file)
