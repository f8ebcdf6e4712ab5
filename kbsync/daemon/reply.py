"""The answer to one request, sent line by line as it comes about."""

from __future__ import annotations

import json
from collections import deque

import anyio
from anyio.abc import ByteSendStream

# Characters of text in one line of an answer.
PIECE = 32_768
# One who asked and does not listen for so long (seconds) has gone.
PATIENCE = 60.0


class Reply:
    """Collects what is told and sends it, never holding up the one who tells.

    Args:
        stream: to the one who asked.
    """

    def __init__(self, stream: ByteSendStream) -> None:
        self._stream = stream
        self._lines: deque[bytes] = deque()
        self._more = anyio.Event()
        self._ended = False
        self._gone = False

    def add(self, kind: str, text: str) -> None:
        """Tell more text: ``out``, ``err`` or ``file``."""
        for start in range(0, len(text), PIECE):
            self._put({kind: text[start : start + PIECE]})

    def end(self, **last: object) -> None:
        """Tell the last line; nothing may follow."""
        self._put(last)
        self._ended = True

    def hang_up(self) -> None:
        """Send nothing more: nobody listens."""
        self._gone = True
        self._lines.clear()
        self._wake()

    async def send(self) -> None:
        """Send what is told until the last line is out, or nobody listens any more."""
        while not self._gone and (self._lines or not self._ended):
            if not self._lines:
                await self._more.wait()
                continue
            line = self._lines.popleft()
            try:
                with anyio.fail_after(PATIENCE):
                    await self._stream.send(line)
            except (TimeoutError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                self.hang_up()

    def _put(self, line: dict[str, object]) -> None:
        if not self._gone:
            self._lines.append(json.dumps(line).encode("ascii") + b"\n")
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = anyio.Event()
