"""`kbsync run --role watch|work|schedule`: a process of a cluster."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from kbsync.app import foreign_lines, logs
from kbsync.cli import streams
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Run
from kbsync.config import Settings, load
from kbsync.config.extra_packages import installing
from kbsync.messages import Problem
from kbsync.messages import command as say
from kbsync.messages.advice import INVOCATION
from kbsync.service.systemd import SystemdNotifier

if TYPE_CHECKING:
    from kbsync.cluster.process import Beside, ClusterProcess


def run_roles(verb: Run, roles: Collection[str], context: CliContext) -> int:
    """Load, set up the log, and do what the roles say until the end.

    Args:
        verb: as typed.
        roles: without `all`.
        context: of the command.
    """
    logs.configure(context.log_level, context.log_format, default="info")
    streams.log_on(logs.note_lost)
    foreign_lines.take()
    try:
        if len(roles) < len(set(verb.role)) or verb.standby:
            raise Problem(say.ROLES_CONTRADICT())
        settings = load(context.config, os.environ)
        INVOCATION.set(replace(INVOCATION.get(), config=str(settings.file)))
        try:
            from kbsync.cluster.run import Role, run  # noqa: PLC0415 - of the extra `cluster`
        except ModuleNotFoundError as error:
            raise Problem(say.CLUSTER_EXTRA(missing=error.name, **installing("cluster"))) from None
        wanted = [Role(each) for each in sorted(roles)]
        return anyio.run(run, settings, wanted, SystemdNotifier(), _beside(settings))
    except Problem as problem:
        if sys.stderr.isatty():
            raise
        logs.note_end(problem)
        return problem.exit


def _beside(settings: Settings) -> Callable[[ClusterProcess], Beside] | None:
    """Return what makes the HTTP server, None where none is declared."""
    web = settings.web
    if web is None:
        return None
    from kbsync.cli.beside import web_of_process  # noqa: PLC0415 - imported where it is declared

    return partial(web_of_process, web)
