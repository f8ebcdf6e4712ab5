"""How far a verb is that does the same to many documents, on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

TENTHS = 10


@contextmanager
def counted(documents: int, done_to_it: str, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Yield what is called after each document: a bar on a terminal, ten lines otherwise.

    Args:
        documents: how many there are.
        done_to_it: what is done to each, such as ``compared``.
        quiet: show nothing.
    """
    if quiet:
        yield lambda: None
    elif sys.stderr.isatty():
        with _bar(documents, done_to_it) as observe:
            yield observe
    else:
        yield _Tenths(documents, done_to_it)


class _Tenths:
    """Prints how far it is, ten times at most."""

    def __init__(self, documents: int, done_to_it: str) -> None:
        self._all, self._done = documents, 0
        self._done_to_it = done_to_it

    def __call__(self) -> None:
        before, self._done = self._done, self._done + 1
        if before * TENTHS // self._all < self._done * TENTHS // self._all:
            click.echo(f"{self._done} of {self._all} {self._done_to_it}", err=True)


@contextmanager
def _bar(documents: int, done_to_it: str) -> Iterator[Callable[[], None]]:
    # Loading rich takes a tenth of a second, which pipes need not pay.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(done_to_it),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(done_to_it, total=documents)
        yield lambda: bar.advance(task)
