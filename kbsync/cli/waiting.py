"""Verbs that ask a server themselves say what they wait for, as the others do."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
import click

from kbsync.commands.patience import Patience

T = TypeVar("T")
# A person at a terminal wonders sooner than a log (seconds).
AT_A_TERMINAL = 5.0


def patience() -> Patience:
    """Return what says on standard error what is waited for."""
    silent = AT_A_TERMINAL if sys.stderr.isatty() else None
    return Patience(partial(click.echo, err=True), silent=silent)


def run(work: Callable[[Patience], Awaitable[T]]) -> T:
    """Run `work` to its end, and say on standard error what is waited for when nothing moves.

    Args:
        work: is given what has to know of its servers, and of what went on.

    Raises:
        Problem: as `work`.
    """
    waits = patience()
    return anyio.run(waits.carried_out, partial(work, waits))
