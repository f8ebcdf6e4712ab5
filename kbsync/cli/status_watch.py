"""`kbsync status --watch`: the overview again and again, until Ctrl-C."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout

import click

EVERY = 2.0
# Times that pass are no news to a log.
PASSING = re.compile(r"\b(for|in) \d+ (?:s|min|h|d)\b")


def watch(show: Callable[[], int]) -> int:
    """Show it every two seconds: in its place on a terminal, when it changed elsewhere.

    Args:
        show: prints the overview, and returns the exit code.
    """
    code = 0
    with _place() as put:
        try:
            while True:
                text = io.StringIO()
                with redirect_stdout(text):
                    code = show()
                put(text.getvalue())
                time.sleep(EVERY)
        except KeyboardInterrupt:
            return code


@contextmanager
def _place() -> Iterator[Callable[[str], None]]:
    if not sys.stdout.isatty():
        yield _Changes()
        return
    # Loading rich takes a tenth of a second, which pipes need not pay.
    from rich.console import Console  # noqa: PLC0415
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=Console(highlight=False), auto_refresh=False) as live:

        def put(text: str) -> None:
            ending = time.strftime("%H:%M:%S, Ctrl-C ends")
            live.update(Text(text + ending), refresh=True)

        yield put


class _Changes:
    """Prints a text that says something else than the one before."""

    def __init__(self) -> None:
        self._before = ""

    def __call__(self, text: str) -> None:
        now = PASSING.sub(r"\1", text)
        if now != self._before:
            click.echo(text, nl=False)
        self._before = now
