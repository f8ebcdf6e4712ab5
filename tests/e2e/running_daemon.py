"""`kbsync run` as a process of its own, and its log as it grows."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import warm
from typing_commands import COMMAND, SECONDS, environment

Process = subprocess.Popen[bytes] | warm.Running


class Daemon:
    """A running daemon.

    Args:
        folder: where its kbsync.yaml is.
        process: its process, or one that has it as its only child.
        log: where its standard error goes.
    """

    def __init__(
        self, folder: Path, process: subprocess.Popen[bytes] | warm.Running, log: Path
    ) -> None:
        self.folder = folder
        self.process = process
        self._log = log

    def lines(self) -> list[dict[str, Any]]:
        """All complete lines of the log."""
        whole = self._log.read_text("utf-8").rpartition("\n")[0]
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def said(self, event: str, **words: object) -> list[dict[str, Any]]:
        lines = [line for line in self.lines() if line["event"] == event]
        return [each for each in lines if words.items() <= each.items()]

    def until(self, condition: Callable[[], object]) -> None:
        """Return once it holds, while the daemon lives."""
        end = time.monotonic() + SECONDS
        while not condition():
            assert self.process.poll() is None, self._log.read_text("utf-8")
            assert time.monotonic() < end, self._log.read_text("utf-8")
            time.sleep(0.1)

    def until_said(self, event: str, count: int = 1, **words: object) -> list[dict[str, Any]]:
        self.until(lambda: len(self.said(event, **words)) >= count)
        return self.said(event, **words)

    def end(self, number: int = signal.SIGTERM, exit: int = 0) -> None:
        self.process.send_signal(number)
        assert self.process.wait(timeout=SECONDS) == exit, self._log.read_text("utf-8")


@contextmanager
def keeping(
    folder: Path, *, before: Sequence[str] = (), env: dict[str, str] | None = None
) -> Iterator[Daemon]:
    """Run the daemon until it is ready; it is killed if the block does not end it."""
    log = folder / f"daemon-{time.monotonic_ns()}.log"
    with log.open("wb") as stderr:
        process = _started(folder, before, environment(**(env or {})), stderr)
    daemon = Daemon(folder, process, log)
    try:
        daemon.until_said("ready")
        yield daemon
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _started(folder: Path, before: Sequence[str], env: dict[str, str], log: IO[bytes]) -> Process:
    if before:
        words = [*before, str(COMMAND), "run"]
        return subprocess.Popen(words, cwd=folder, env=env, stdout=log, stderr=log)
    return warm.start(["run"], folder=folder, env=env, stdout=log, stderr=log)
