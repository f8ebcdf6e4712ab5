"""Lends the embedded knowledge base to verbs of the same user: its file takes one process."""

from __future__ import annotations

from pathlib import Path

import anyio
from anyio.abc import SocketAttribute, TaskStatus

from kbsync.app import connect
from kbsync.app.lent_socket import socket_beside
from kbsync.messages import Problem
from kbsync.messages import daemon as say
from kbsync.service.event_log import EventLog
from kbsync.service.unix_socket import listening


async def lend(
    opened: connect.OpenServer, data: Path, log: EventLog, *, task_status: TaskStatus[None]
) -> None:
    """Answer other processes on the socket beside the data file until cancelled.

    It is started once the socket is there, or cannot be made.

    Args:
        opened: the embedded knowledge base.
        data: its file.
        log: the daemon's; a socket that cannot be made is logged, and mirrors stay in sync.
    """
    path, begun = socket_beside(data), False
    try:
        async with listening(path) as listener:
            begun = True
            task_status.started()
            accepting = listener.extra(SocketAttribute.raw_socket)  # noqa: S610 - not Django's
            # What answers takes 0.1 s to load, and most daemons are asked by no verb.
            await anyio.wait_readable(accepting)
            async with opened.answering(accepting):
                await anyio.sleep_forever()
    except Problem as problem:
        notice = problem.notice
        too_long = notice.message is say.SOCKET_TOO_LONG
        log.say("not lent", (say.LENT_TOO_LONG if too_long else say.NOT_LENT)(**notice.words))
        if not begun:
            task_status.started()
