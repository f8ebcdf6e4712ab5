"""The one API key of every test, and the look for it in all that a run of tests leaves behind.

A run fails, and names the place, when the key stands anywhere but where it was put on purpose.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

KEY = "dataset-canary-7Hq2mZx9"
TRACE = KEY.removeprefix("dataset-")  # a key that was shortened in front is a key
# Configurations, key files and environment files: there a key stands by right.
HOLDERS = ("*.yaml", "*.yml", "key", "*.key", "*.env")
BLOCK = 1 << 20

_SHOWN = pytest.StashKey[list[str]]()


def refuse(printed: str | bytes, where: object) -> None:
    """Fail when the key was printed."""
    text = printed.decode("latin-1") if isinstance(printed, bytes) else printed
    if TRACE in text:
        raise AssertionError(f"the API key was printed by {where}")


def traces(folder: Path) -> list[Path]:
    """Return the files below `folder` that hold the key and must not."""
    return [each for each in _files(folder) if not _may_hold(each) and _holds(each)]


def _files(folder: Path) -> Iterator[Path]:
    for at, _, names in os.walk(folder):
        for name in names:
            file = Path(at, name)
            try:
                if stat.S_ISREG(file.lstat().st_mode):
                    yield file
            except OSError:
                continue


def _may_hold(file: Path) -> bool:
    return any(fnmatch(file.name, pattern) for pattern in HOLDERS)


def _holds(file: Path) -> bool:
    wanted, tail = TRACE.encode(), b""
    try:
        with file.open("rb", buffering=0) as opened:
            while block := _block(opened.fileno()):
                if wanted in tail + block:
                    return True
                tail = block[-len(wanted) :]
    except OSError:
        return False
    return wanted in os.fsencode(file.name)


def _block(fd: int) -> bytes:
    """Return the next bytes that are on the disk: a sparse file may say to be huge."""
    try:
        os.lseek(fd, os.lseek(fd, 0, os.SEEK_CUR), os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:  # nothing but a hole is left
            return b""
    return os.read(fd, BLOCK)


# -- hooks ---------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SHOWN] = []
    if not hasattr(pytest.CaptureFixture, "unwatched"):
        pytest.CaptureFixture.unwatched = pytest.CaptureFixture.readouterr  # type: ignore[attr-defined]
        pytest.CaptureFixture.readouterr = _watched  # type: ignore[method-assign]


def _watched(capture: pytest.CaptureFixture[Any]) -> Any:
    printed = capture.unwatched()  # type: ignore[attr-defined]
    for each in printed:
        refuse(each, capture.request.node.nodeid)
    return printed


class Watch:
    """Reads what the tests printed, as their reports come in."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if any(TRACE in text for _, text in report.sections):
            self._config.stash[_SHOWN].append(f"printed by {report.nodeid}")


def pytest_sessionstart(session: pytest.Session) -> None:
    session.config.pluginmanager.register(Watch(session.config), "canary-watch")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Look through the temporary folder: its own, and with xdist that of every worker."""
    config = session.config
    base = getattr(getattr(config, "_tmp_path_factory", None), "_basetemp", None)
    if hasattr(config, "workerinput"):
        return
    config.stash[_SHOWN] += [f"left in {file}" for file in traces(base)] if base else []
    if config.stash[_SHOWN] and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if shown := dict.fromkeys(config.stash[_SHOWN]):
        terminalreporter.section("the API key of the tests stands where no key may stand")
        for each in shown:
            terminalreporter.line(each, red=True)
