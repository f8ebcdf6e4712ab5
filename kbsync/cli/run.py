"""`kbsync run`: keep every mirror in sync until a signal ends it."""

from __future__ import annotations

from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Run
from kbsync.service.shutdown import before_the_loop


def run(verb: Run, context: CliContext) -> int:
    """Load, set up the log, and go on until the end."""
    before_the_loop()

    # Loading takes most of a second, and a signal that comes meanwhile has to end the process:
    # process 1 of a container has no default for signals.
    import anyio  # noqa: PLC0415

    from kbsync.app import build, logs  # noqa: PLC0415
    from kbsync.service import daemon  # noqa: PLC0415
    from kbsync.service.systemd import SystemdNotifier  # noqa: PLC0415

    logs.configure(context.log_level, default="info")
    return anyio.run(daemon.run, build.settings_of(context.config), SystemdNotifier())
