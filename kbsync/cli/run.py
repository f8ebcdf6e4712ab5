"""`kbsync run`: keep every mirror in sync until a signal ends it."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from types import FrameType

from kbsync.cli import streams
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Run
from kbsync.messages import Problem
from kbsync.messages.advice import INVOCATION


def run(verb: Run, context: CliContext) -> int:
    """Load, set up the log, and go on until the end."""
    _end_at_signals()

    # Loading takes most of a second, in which a signal has to end the process.
    import anyio  # noqa: PLC0415

    from kbsync.app import build, foreign_lines, logs  # noqa: PLC0415
    from kbsync.service import daemon  # noqa: PLC0415
    from kbsync.service.systemd import SystemdNotifier  # noqa: PLC0415

    logs.configure(context.log_level, context.log_format, default="info")
    streams.log_on(logs.note_lost)
    foreign_lines.take()
    try:
        settings = build.settings_of(context.config)
        # The log is read elsewhere.
        INVOCATION.set(replace(INVOCATION.get(), config=str(settings.file)))
        return anyio.run(daemon.run, settings, SystemdNotifier())
    except Problem as problem:
        if sys.stderr.isatty():
            raise
        logs.note_end(problem)  # what reads the log reads no other lines
        return problem.exit


def _end_at_signals() -> None:
    """End at SIGTERM and SIGINT until `kbsync.service.shutdown` takes them."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    # Process 1 of a container has no default for signals: one that is not taken is lost.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
