"""Answers `kbsync status` while a daemon waits for the ledger; other requests are refused."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import anyio
from anyio.abc import ByteStream, TaskStatus
from anyio.streams.buffered import BufferedByteReceiveStream

from kbsync import __version__
from kbsync.config import Settings
from kbsync.messages import Notice, Problem
from kbsync.messages import daemon as say
from kbsync.service import control_client
from kbsync.service.control_client import LONGEST_REQUEST
from kbsync.service.control_socket import PATIENCE
from kbsync.service.socket_path import socket_of
from kbsync.service.unix_socket import listening


class StandbySocket:
    """Listens where a daemon would, unless one does.

    Args:
        settings: say where.

    Attributes:
        why: what is waited for.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._began = time.time()
        self.why: Notice | None = None

    async def listen(self, *, task_status: TaskStatus[None]) -> None:
        """Answer until cancelled, unless another daemon of this machine does."""
        if control_client.live(self._settings) is not None:
            task_status.started()
            return
        begun = False
        try:
            async with listening(socket_of(self._settings)) as listener:
                begun = True
                task_status.started()
                await listener.serve(self._answer)
        except Problem:  # the lock is waited for all the same
            if not begun:
                task_status.started()

    async def _answer(self, stream: ByteStream) -> None:
        async with stream:
            received = BufferedByteReceiveStream(stream)
            try:
                with anyio.fail_after(PATIENCE):
                    request = json.loads(await received.receive_until(b"\n", LONGEST_REQUEST))
                    for line in self._lines(request):
                        await stream.send(json.dumps(line).encode("ascii") + b"\n")
            except (TimeoutError, ValueError, anyio.IncompleteRead, anyio.DelimiterNotFound):
                return
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                return

    def _lines(self, request: object) -> list[dict[str, Any]]:
        if isinstance(request, dict) and request.get("verb") == "status":
            return [{"live": self._live()}]
        refusal = Problem(say.STANDS_BY(why=self.why.text if self.why else ""))
        return [{"err": f"kbsync: {refusal}\n"}, {"exit": int(refusal.exit)}]

    def _live(self) -> dict[str, object]:
        """Return what `status` shows, in the shape of `Admin.live`."""
        return {
            "pid": os.getpid(),
            "version": __version__,
            "configuration": str(self._settings.file),
            "since": self._began,
            "loaded": self._began,
            "refused": None,
            "standby": self.why and self.why.as_json(),
            "mirrors": {},
        }
