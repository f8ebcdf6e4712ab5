"""Progress of `apply`: a bar on a terminal, a plain line per change otherwise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from kbsync.commands.report import line_of
from kbsync.engine.execute.results import Event
from kbsync.planning.plan import CHANGES, Plan, name_of

Observer = Callable[[Event], None]
UPLOADS = frozenset({"create", "update"})


@contextmanager
def progress(plan: Plan, *, quiet: bool) -> Iterator[Observer]:
    """Yield the observer of every step while `plan` is carried out.

    Args:
        plan: what is about to happen.
        quiet: show nothing, for output that a program reads.
    """
    if quiet:
        yield lambda event: None
    elif sys.stderr.isatty() and sys.stdout.isatty():
        with _bar(plan) as observe:
            yield observe
    else:
        yield _line


def _line(event: Event) -> None:
    line = line_of(event)
    if line is not None:
        click.echo(line)


@contextmanager
def _bar(plan: Plan) -> Iterator[Observer]:
    # Loading rich takes a tenth of a second, which pipes need not pay.
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{60 * task.speed:.0f}/min" if task.speed else "", style="dim")

    names = list(map(name_of, plan.actions))
    changes = sum(name in CHANGES for name in names)
    uploads = sum(name in UPLOADS for name in names)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as bar:
        sent = bar.add_task("sent", total=changes)
        indexed = bar.add_task("indexed", total=uploads)

        def observe(event: Event) -> None:
            if event.action in CHANGES and event.outcome == "done":
                bar.advance(sent)
            if event.action == "index":
                bar.advance(indexed)

        yield observe
