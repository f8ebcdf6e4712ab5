"""`kbsync run`: keep every mirror until told to stop."""

from __future__ import annotations

import click

from kbsync.cli import CliContext


@click.command(
    help="Watch the folders and keep their knowledge bases the same: an edit is there seconds "
    "after it is saved. Other verbs hand their requests over while it runs. SIGTERM and Ctrl-C "
    "bring what is in flight to its end, a second one ends at once; SIGHUP reads the configuration "
    "anew. Exit code: 0 ended as told, 64 wrong usage or configuration, 1 the ledger is in use."
)
@click.pass_obj
def command(place: CliContext) -> int:
    """Load, set up the log, and go on until the end."""
    from kbsync.service.shutdown import before_the_loop  # noqa: PLC0415

    before_the_loop()

    import anyio  # noqa: PLC0415

    from kbsync.app import build, logs  # noqa: PLC0415
    from kbsync.service.daemon import run  # noqa: PLC0415
    from kbsync.service.systemd import SystemdNotifier  # noqa: PLC0415

    logs.configure(place.log_level, default="info")
    return anyio.run(run, build.settings_of(place.config), SystemdNotifier())
