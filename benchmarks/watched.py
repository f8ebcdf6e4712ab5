"""A daemon as a process: when its watches stand, when it is ready, what it takes."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import FailedError
from benchmarks.places import Place
from benchmarks.suite import Suite, Version

LONGEST = 900.0
LOOK = 0.005


class Daemon:
    """`kbsync run` in a place.

    Args:
        process: the daemon.
        notices: gets what it says to a service manager.
        started: monotonic seconds of its start.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], notices: socket.socket, started: float
    ) -> None:
        self.pid = process.pid
        self._process = process
        self._notices = notices
        self._started = started

    def until_watching(self, folders: int) -> tuple[float, float]:
        """Wait until so many folders are watched.

        Returns:
            Seconds from its start to the first and to the last watch.
        """
        self._until(lambda: watches_of(self.pid) > 0)
        first = time.monotonic() - self._started
        self._until(lambda: watches_of(self.pid) >= folders)
        return first, time.monotonic() - self._started

    def until_ready(self) -> float:
        """Wait until it says that it is ready; return seconds from its start."""
        self._until(lambda: b"READY=1" in self._notices.recv(4096))
        return time.monotonic() - self._started

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LONGEST
        while not holds():
            if self._process.poll() is not None or time.monotonic() > end:
                raise FailedError(f"the daemon did not get ready: {self._process.args!r}")
            time.sleep(LOOK)


@contextmanager
def daemon(suite: Suite, version: Version, place: Place) -> Iterator[Daemon]:
    """Run a daemon, and end it with the block."""
    address = suite.scratch / "notices"  # beside the ledger it might be too long for a socket
    address.unlink(missing_ok=True)
    env = {**os.environ, "NOTIFY_SOCKET": str(address)}
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices,
        (suite.scratch / "daemon.log").open("ab") as log,
    ):
        notices.bind(str(address))
        notices.settimeout(LONGEST)
        started = time.monotonic()
        words = [version.command, "run"]
        process = subprocess.Popen(words, cwd=place.folder, env=env, stdout=log, stderr=log)
        try:
            yield Daemon(process, notices, started)
        finally:
            process.terminate()
            process.wait(LONGEST)


def watches_of(pid: int) -> int:
    """Return how many folders a process watches by inotify, as the kernel lists them."""
    try:
        files = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return 0
    return sum(_watches(file) for file in files)


def _watches(file: Path) -> int:
    try:
        if file.readlink().name != "anon_inode:inotify":
            return 0
        known = (file.parent.parent / "fdinfo" / file.name).read_text("ascii")
    except OSError:
        return 0
    return known.count("inotify wd:")


def folders_in(root: Path) -> int:
    """Return how many folders a tree has, its root included."""
    return sum(1 for _ in os.walk(root))
