"""A listening Unix socket that only its user reaches; its file goes with it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import Listener, SocketStream

from kbsync.messages import Problem
from kbsync.service.socket_path import SocketFile, claim, not_made


@asynccontextmanager
async def listening(path: Path) -> AsyncIterator[Listener[SocketStream]]:
    """Listen at `path`, for this user alone.

    The umask is another one for a moment, so no file may be made meanwhile.

    Raises:
        Problem: the socket cannot be made.
    """
    made: list[SocketFile] = []
    try:
        address = claim(path)
        # anyio sets the mode after it bound the socket; until then the umask keeps others out.
        before = os.umask(0o177)
        try:
            listener = await anyio.create_unix_listener(address, mode=0o600)
        finally:
            os.umask(before)
        made = [SocketFile(Path(address)), SocketFile(path)]
        async with listener:
            yield listener
    except OSError as error:
        raise Problem(not_made(path, error)) from None
    finally:
        for each in made:
            each.remove()
