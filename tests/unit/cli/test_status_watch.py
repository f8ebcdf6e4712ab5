"""`status --watch` where there is no terminal: a text is printed when it says something else."""

from collections.abc import Iterator

import click
import pytest

from kbsync.cli import status_watch
from kbsync.cli.status_watch import watch


def test_what_is_the_same_but_for_passing_time_is_printed_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(status_watch, "EVERY", 0.0)
    said: Iterator[str] = iter(
        [
            "daemon: process 7, for 2 s\ndocs: 1 synced\n",
            "daemon: process 7, for 4 s\ndocs: 1 synced\n",
            "daemon: process 7, for 2 min\ndocs: 2 synced\n",
        ]
    )

    def show() -> int:
        text = next(said, None)
        if text is None:
            raise KeyboardInterrupt
        click.echo(text, nl=False)
        return 3

    assert watch(show) == 3
    shown = capsys.readouterr().out
    assert shown == (
        "daemon: process 7, for 2 s\ndocs: 1 synced\ndaemon: process 7, for 2 min\ndocs: 2 synced\n"
    )
