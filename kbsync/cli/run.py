"""`kbsync run`: keep every mirror in sync until a signal ends it."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from functools import partial

from kbsync.cli import streams
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Run
from kbsync.config import Settings, load
from kbsync.messages import Problem
from kbsync.messages.advice import INVOCATION
from kbsync.service.early_watches import EarlyWatches
from kbsync.service.end_signals import end_at_signals

# New objects after which cycles are searched for, once all is loaded: garbage of weeks stays small.
COLLECT_AFTER = (20_000, 10, 10)


def run(verb: Run, context: CliContext) -> int:
    """Load, set up the log, and go on until the end."""
    end_at_signals()
    if roles := set(verb.role) - {"all"}:
        from kbsync.cli.cluster import run_roles  # noqa: PLC0415 - one process alone needs no cluster

        return run_roles(verb, roles, context)

    watches = EarlyWatches()
    try:
        return _run(verb, context, _loaded(verb, context, watches), watches)
    finally:
        watches.stop()


def _loaded(verb: Run, context: CliContext, watches: EarlyWatches) -> Settings | Problem:
    """Return the configuration, with the watches placed before anything else is loaded."""
    try:
        settings = load(context.config, os.environ)
    except Problem as problem:
        return problem
    if not verb.standby:  # what waits for the ledger collects nothing meanwhile
        watches.begin(settings.mirrors)
    return settings


def _run(
    verb: Run, context: CliContext, settings: Settings | Problem, watches: EarlyWatches
) -> int:
    # Loading takes most of a second, in which a signal has to end the process.
    import anyio  # noqa: PLC0415

    from kbsync.app import foreign_lines, logs  # noqa: PLC0415
    from kbsync.cli import beside  # noqa: PLC0415
    from kbsync.service import daemon  # noqa: PLC0415
    from kbsync.service.systemd import SystemdNotifier  # noqa: PLC0415

    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    logs.configure(context.log_level, context.log_format, default="info")
    streams.log_on(logs.note_lost)
    foreign_lines.take()
    try:
        if isinstance(settings, Problem):
            raise settings
        # The log is read elsewhere.
        INVOCATION.set(replace(INVOCATION.get(), config=str(settings.file)))
        work = partial(daemon.run, watches=watches, kinds=beside.KINDS, standby=verb.standby)
        return anyio.run(work, settings, SystemdNotifier())
    except Problem as problem:
        if sys.stderr.isatty():
            raise
        logs.note_end(problem)  # what reads the log reads no other lines
        return problem.exit
