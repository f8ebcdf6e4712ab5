"""What may take long is done in a thread of its own: the loop goes on meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

import anyio.to_thread

Entered = TypeVar("Entered")


@asynccontextmanager
async def entered(
    opening: AbstractContextManager[Entered], *, apart: bool
) -> AsyncIterator[Entered]:
    """Yield what a context manager yields.

    Args:
        opening: it.
        apart: to enter it may take long.
    """
    found = await anyio.to_thread.run_sync(opening.__enter__) if apart else opening.__enter__()
    try:
        yield found
    except BaseException as error:
        if not opening.__exit__(type(error), error, error.__traceback__):
            raise
    else:
        opening.__exit__(None, None, None)
