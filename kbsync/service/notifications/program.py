"""A notification to a program: facts in variables and as JSON on its standard input, no shell."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from subprocess import DEVNULL, PIPE

import anyio
from anyio.abc import Process

from kbsync.config import NotifyTarget
from kbsync.service.notifications.delivery import Undelivered
from kbsync.service.notifications.facts import Notification

# What a program needs to run at all; the daemon's other variables may hold keys.
KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR")


async def start(target: NotifyTarget, notification: Notification) -> None:
    """Run the program of a target to its end; cancelled, it is killed with its children.

    Args:
        target: one with `command`.
        notification: what is sent.

    Raises:
        Undelivered: it could not be started, or ended with another code than 0.
    """
    assert target.command is not None  # noqa: S101 - `notify_disagreements` wants one of them
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    try:
        process = await anyio.open_process(
            target.command,
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            env={**kept, **notification.environment()},
            start_new_session=True,
        )
    except (OSError, ValueError) as fault:
        why = getattr(fault, "strerror", None) or type(fault).__name__
        raise Undelivered(f"it cannot be started: {why}") from None
    try:
        await _write(process, json.dumps(notification.body(None)).encode())
        code = await process.wait()
    finally:
        with anyio.CancelScope(shield=True):
            _kill(process)
            await process.aclose()
    if code != 0:
        raise Undelivered(f"it ended with exit code {code}")


async def _write(process: Process, facts: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    with suppress(anyio.BrokenResourceError, OSError):  # it need not read
        await process.stdin.send(facts + b"\n")
        await process.stdin.aclose()


def _kill(process: Process) -> None:
    """End the program and what it started, unless it has ended."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
