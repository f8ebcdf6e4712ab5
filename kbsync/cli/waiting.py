"""Verbs that ask a server themselves say what they wait for, as the others do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

import anyio
import click

from kbsync.commands.patience import Patience

T = TypeVar("T")


def run(work: Callable[[Patience], Awaitable[T]]) -> T:
    """Run `work` to its end, and say on standard error what is waited for when nothing moves.

    Args:
        work: is given what has to know of its servers, and of what went on.

    Raises:
        Problem: as `work`.
    """
    patience = Patience(partial(click.echo, err=True))
    return anyio.run(patience.carried_out, partial(work, patience))
