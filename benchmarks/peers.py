"""What else would do the work: commands from their packages, or None where one is not installed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import Cost
from benchmarks.knowledge_api import BASE_ID
from benchmarks.measure import ROOT, cost_of
from benchmarks.servers import KEY, Stub
from benchmarks.suite import Suite
from benchmarks.trees import Shape

Run = Callable[[], Cost]
PACKAGES = {
    "rsync": "apt-get install rsync (Debian package)",
    "rclone": "apt-get install rclone (Debian package)",
    "inotifywait": "apt-get install inotify-tools (Debian package)",
    "find": "apt-get install findutils (Debian package)",
    "oikb": "pip install 'kbsync[bench]' (PyPI package oikb)",
}
_INSTALL = "Next: pip install 'kbsync[bench]'"
LOOP = {"KBSYNC_SERVE_KEY": KEY, "PYTHONPATH": str(ROOT)}


def found(suite: Suite, name: str) -> str | None:
    """Return the path of a peer's command; None is noted as skipped."""
    beside = Path(sys.executable).with_name(name)
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        suite.skip(f"{name} is not installed, and its rows are left out. Next: {PACKAGES[name]}")
    return path


def rsync(suite: Suite, shape: Shape) -> Run | None:
    """Return a run of `rsync -a` that has nothing to do."""
    command = found(suite, "rsync")
    if command is None:
        return None
    return _copied(suite, shape, lambda source, copy: [command, "-a", source, copy])


def rclone(suite: Suite, shape: Shape) -> Run | None:
    """Return a run of `rclone sync` that has nothing to do."""
    command = found(suite, "rclone")
    if command is None:
        return None
    beside = ["--config", os.devnull]
    return _copied(suite, shape, lambda source, copy: [command, "sync", source, copy, *beside])


def find(suite: Suite, shape: Shape) -> Run | None:
    """Return a run of `find` that prints what a walk looks at."""
    command = found(suite, "find")
    if command is None:
        return None
    source = suite.tree(shape)
    words = [command, str(source), "-type", "f", "-printf", "%p %s %T@ %C@ %i\\n"]
    return lambda: cost_of(words, suite.scratch)


def _copied(suite: Suite, shape: Shape, words: Callable[[str, str], list[str]]) -> Run:
    source, copy = suite.tree(shape), suite.keep / "copies" / shape.name
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        clone = ["cp", "-a", "--sparse=always", str(source), str(unfinished)]
        subprocess.run(clone, check=True)
        unfinished.rename(copy)
    command = words(f"{source}/", f"{copy}/")
    return lambda: cost_of(command, suite.scratch)


def oikb(suite: Suite, source: Path, server: Stub) -> Run | None:
    """Return a run of `oikb sync`, four uploads at once."""
    command = found(suite, "oikb")
    if command is None:
        return None
    address = ["--url", server.url, "--token", KEY, "--kb-id", BASE_ID]
    words = [command, "--quiet", "sync", str(source), *address, "--concurrency", "4"]
    env = {"HOME": str(suite.scratch)}
    return lambda: cost_of(words, suite.scratch, env=env)


def has_loop(suite: Suite) -> bool:
    """Return whether the bare loops can run; if not, that is noted."""
    if importlib.util.find_spec("aiohttp") is not None:
        return True
    suite.skip("aiohttp is not installed, and rows against a bare loop are left out. " + _INSTALL)
    return False


def upload_loop(suite: Suite, url: str, source: Path, *, connections: int = 4) -> Cost:
    """Run the bare loop over aiohttp that uploads a folder."""
    words = [sys.executable, "-m", "benchmarks.upload_loop", url, str(source)]
    words += ["--connections", str(connections)]
    return cost_of(words, suite.scratch, env=LOOP)


def list_loop(suite: Suite, url: str) -> Cost:
    """Run the bare loop over aiohttp that fetches all list pages."""
    words = [sys.executable, "-m", "benchmarks.list_loop", url, BASE_ID]
    return cost_of(words, suite.scratch, env=LOOP)


def nothing(suite: Suite) -> Cost:
    """Run Python itself."""
    return cost_of([sys.executable, "-c", "pass"], suite.scratch)
