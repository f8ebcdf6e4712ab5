"""Commands that start at once: forked from a process that has loaded every room of kbsync.

Each is a process of its own that runs the command's entry point from its first line to its last,
as the installed script does; only the second of imports is spared, what is compiled when it is used
first (SQL, patterns), and at the end the tenth of a second that Python takes to free what ends
anyway. Suites that are about the start or the end itself run the script.
"""

from __future__ import annotations

import atexit
import dataclasses
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO, NoReturn, TypedDict, cast

from pydantic import BaseModel

import kbsync
from kbsync.config import MirrorConfig
from kbsync.source.filters import Filters

MOST = 1 << 17
BELOW = (  # what is imported in its turn by what kbsync imports, once that is used
    "alembic.command",
    "anyio._backends._asyncio",
    "httpcore",
    "httpx_aiohttp",
    "psycopg",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
)
MOST_DESCRIPTORS = 1024
_STARTING = threading.Lock()
USED = """\
version: 1
server: {url: embedded}
ledger: ./ledger.db
mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]
"""
DESCRIPTORS = 4  # standard input, output and error, and where the outcome is written


class Request(TypedDict):
    words: list[str]
    folder: str
    env: dict[str, str]


class Running:
    """A started command: what of `subprocess.Popen` is asked of one, and what memory it took.

    Args:
        words: what was typed.
        outcome: where its process number and, in the end, its outcome come from.
    """

    def __init__(self, words: Sequence[str], outcome: IO[str]) -> None:
        self._words, self._outcome = words, outcome
        self.pid = int(outcome.readline())
        self.returncode: int | None = None
        self.peak = 0  # KiB, known when it has ended

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self.returncode is None and self._ends_within(0):
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, negative for a signal, once there is one."""
        if self.returncode is not None:
            return self.returncode
        if not self._ends_within(timeout):
            raise subprocess.TimeoutExpired([*self._words], timeout or 0)
        return self._end()

    def _ends_within(self, seconds: float | None) -> bool:
        return bool(select.select([self._outcome], [], [], seconds)[0])

    def _end(self) -> int:
        with self._outcome:
            code, self.peak = map(int, self._outcome.readline().split())
        self.returncode = code
        return code


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
    with open(os.devnull, "rb") as nothing, open(writing, "wb", 0) as outcome:
        opened = [each.fileno() for each in (stdin or nothing, stdout, stderr, outcome)]
        request = Request(words=list(words), folder=str(folder or Path.cwd()), env=dict(env))
        socket.send_fds(_forker(), [json.dumps(request).encode()], opened)
    return Running(words, open(reading, encoding="ascii"))


def _forker() -> socket.socket:
    """Return the one way to the process that forks, for whichever thread asks first."""
    with _STARTING:
        return _started()


@cache
def _started() -> socket.socket:
    """Start the process that forks; it ends when this one does."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with there:
        subprocess.Popen([sys.executable, __file__], stdin=there, start_new_session=True)
    atexit.register(here.close)
    return here


def _fork_for_ever() -> None:
    _load()
    bell, ringing = socket.socketpair()
    ringing.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(ringing.fileno())
    running: dict[int, int] = {}  # process number → where its outcome is written
    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            ready, _, _ = select.select([requests, bell], [], [])
            if bell in ready:
                bell.recv(MOST)
                _write_outcomes(running)
            if requests in ready:
                request, descriptors, *_ = socket.recv_fds(requests, MOST, DESCRIPTORS)
                if not request:
                    return
                _fork(json.loads(request), descriptors, running)


def _fork(request: Request, descriptors: Sequence[int], running: dict[int, int]) -> None:
    """Fork the command and tell its number."""
    *standard, outcome = descriptors
    if (child := os.fork()) == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _become(request, standard)
        _run(_main())
    running[child] = outcome
    os.write(outcome, f"{child}\n".encode())
    for each in standard:
        os.close(each)


def _write_outcomes(running: dict[int, int]) -> None:
    """Write how each command ended that did, and the most memory it had."""
    while running:
        child, status, used = os.wait4(-1, os.WNOHANG)
        if not child:
            return
        outcome = running.pop(child)
        os.write(outcome, f"{os.waitstatus_to_exitcode(status)} {used.ru_maxrss}\n".encode())
        os.close(outcome)


def _load() -> None:
    for module in pkgutil.walk_packages(kbsync.__path__, "kbsync."):
        if not module.name.endswith(("__main__", ".env")) and ".versions" not in module.name:
            with suppress(ModuleNotFoundError):  # of an extra that is not installed
                importlib.import_module(module.name)
    for name in BELOW:
        importlib.import_module(name)
    _complete()
    _use()
    gc.freeze()


@cache
def _main() -> Callable[[], object]:
    """Return what the installed script calls."""
    (script,) = entry_points(group="console_scripts", name="kbsync")
    return cast("Callable[[], object]", script.load())


def _use() -> None:
    """Mirror a folder, so that what is compiled at its first use is compiled before any fork."""
    words, environment, folder = sys.argv, dict(os.environ), Path.cwd()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryDirectory() as place, open(os.devnull, "wb") as nothing:
        for each in (1, 2):
            os.dup2(nothing.fileno(), each)
        Path(place, "docs").mkdir()
        Path(place, "docs", "page.md").write_text("# A page\n\nWith words.\n")
        Path(place, "kbsync.yaml").write_text(USED)
        os.chdir(place)
        for verb in ("apply", "plan", "status"):
            sys.argv = ["kbsync", verb]
            with suppress(SystemExit):
                _main()()
    os.chdir(folder)
    for opened, each in zip(kept, (1, 2), strict=True):
        os.dup2(opened, each)
        os.close(opened)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words


def _complete() -> None:
    """Build and compile what every command does anew: half of the time of most."""
    for kind in _subclasses(BaseModel):
        if not kind.__pydantic_generic_metadata__["parameters"]:
            kind.model_rebuild()
    for module in [each for name, each in sys.modules.items() if name.startswith("kbsync.")]:
        for kind in vars(module).values():
            if isinstance(kind, type) and dataclasses.is_dataclass(kind):
                dataclasses.fields(kind)
    Filters(MirrorConfig(name="any", source="/", knowledge_base="Any"))


def _subclasses(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for each in kind.__subclasses__():
        yield each
        yield from _subclasses(each)


def _run(main: Callable[[], object]) -> NoReturn:
    """Run `main` and end as Python does, but for the freeing of every module."""
    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
    except Exception:
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # what was left open says so
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _become(request: Request, descriptors: Sequence[int]) -> None:
    for number, each in enumerate(descriptors):
        os.dup2(each, number)
    os.closerange(len(descriptors), MOST_DESCRIPTORS)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, "utf-8", errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["folder"])
    sys.argv = [str(Path(sys.executable).with_name("kbsync")), *request["words"]]


if __name__ == "__main__":
    _fork_for_ever()
