"""Commands that start at once: forked from a process that has loaded every room of kbsync.

Each is a process of its own that runs the command's entry point from its first line to its last,
as the installed script does; only the second of imports is spared. Suites that are about the start
itself run the script.
"""

from __future__ import annotations

import array
import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO

import kbsync

MOST = 1 << 17
DESCRIPTORS = 4  # standard input, output and error, and where the outcome is told


class Running:
    """A started command: `wait` as of `subprocess.Popen`."""

    def __init__(self, told: IO[str]) -> None:
        self._told = told
        self.pid = int(told.readline())

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.kill(signal.SIGTERM)

    def wait(self) -> int:
        """Return the exit code; negative for a signal."""
        with self._told:
            return int(self._told.readline())


def start(
    words: Sequence[str],
    *,
    folder: Path | None = None,
    env: Mapping[str, str],
    stdin: IO[bytes] | None = None,
    stdout: IO[bytes],
    stderr: IO[bytes],
) -> Running:
    """Start `kbsync WORDS` in `folder`."""
    reading, writing = os.pipe()
    with open(os.devnull, "rb") as nothing, open(writing, "wb", 0) as told:
        opened = [each.fileno() for each in (stdin or nothing, stdout, stderr, told)]
        request = {"words": list(words), "folder": str(folder or Path.cwd()), "env": dict(env)}
        socket.send_fds(_forker(), [json.dumps(request).encode()], opened)
    return Running(open(reading, encoding="ascii"))


@cache
def _forker() -> socket.socket:
    """Start the process that forks; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        subprocess.Popen([sys.executable, __file__], stdin=there, start_new_session=True)
    atexit.register(here.close)
    return here


def _fork_for_ever() -> None:
    _load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    requests = socket.socket(fileno=os.dup(0))
    while True:
        request, descriptors, *_ = socket.recv_fds(requests, MOST, DESCRIPTORS)
        if not request:
            return
        if os.fork() == 0:
            requests.close()
            _command(json.loads(request), descriptors)
        for each in descriptors:
            os.close(each)


def _load() -> None:
    for module in pkgutil.walk_packages(kbsync.__path__, "kbsync."):
        if not module.name.endswith(("__main__", ".env")) and ".versions" not in module.name:
            importlib.import_module(module.name)
    for name in ("httpx_aiohttp", "uvicorn.lifespan.on", "uvicorn.protocols.http.auto", "psycopg"):
        importlib.import_module(name)
    gc.freeze()


def _command(request: dict[str, object], descriptors: array.array[int]) -> None:
    """Fork the command, tell its number, and then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    told = descriptors[-1]
    if (child := os.fork()) == 0:
        os.close(told)
        _become(request, descriptors)
        (script,) = entry_points(group="console_scripts", name="kbsync")
        sys.exit(script.load()())
    os.write(told, f"{child}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.write(told, f"{status}\n".encode())
    os._exit(0)


def _become(request: dict[str, object], descriptors: array.array[int]) -> None:
    for number in range(3):
        os.dup2(descriptors[number], number)
        os.close(descriptors[number])
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    sys.argv = [str(Path(sys.executable).with_name("kbsync")), *request["words"]]


if __name__ == "__main__":
    _fork_for_ever()
