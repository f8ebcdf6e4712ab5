"""The wheel alone, installed as a user installs it: the clone is not there for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

import kbsync

from .built import Packages

# What is in the wheel is asked every time, by its list (test_contents).
pytestmark = [pytest.mark.once_a_change, pytest.mark.seconds(60), pytest.mark.timeout(400)]

TOOLS = Path(sys.executable).parent
# The oldest one, and the newest there is; what lies between breaks where one of both does.
VERSIONS = {"oldest": ("3.11",), "newest": ("3.14", "3.13", "3.12")}


def _done(*words: str | Path, **more: str) -> str:
    """What a command printed that ended well, away from the clone and its environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "UV_", "SSL_")) or name in ("PATH", "HOME", "LANG")
    }
    done = subprocess.run(
        words,
        env=kept | more,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _runs(python: str | Path) -> bool:
    tried = subprocess.run([python, "-c", ""], capture_output=True, timeout=60, check=False)
    return tried.returncode == 0


def _python(version: str) -> str | Path | None:
    """A Python of that version that runs: on the path, or of those that pyenv keeps."""
    name = f"python{version}"
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/{name}"))
    return next((each for each in (shutil.which(name), *kept) if each and _runs(each)), None)


def _by_uv(wheel: Path, python: str | Path, folder: Path) -> Path:
    places = {"UV_TOOL_DIR": str(folder / "tools"), "UV_TOOL_BIN_DIR": str(folder / "bin")}
    named = f"kbsync[embedded,web] @ {wheel.as_uri()}"
    _done(TOOLS / "uv", "tool", "install", "--python", python, named, **places)
    return folder / "bin" / "kbsync"


def _by_pipx(wheel: Path, python: str | Path, folder: Path) -> Path:
    places = {"PIPX_HOME": str(folder / "tools"), "PIPX_BIN_DIR": str(folder / "bin")}
    places["PIP_COMPILE"] = "0"  # most of what is installed is never loaded
    _done(TOOLS / "pipx", "install", f"{wheel}[embedded,web]", "--python", python, **places)
    return folder / "bin" / "kbsync"


def test_as_a_tool_of_pipx(packages: Packages, tmp_path: Path) -> None:
    _answers(_by_pipx(packages.wheel, sys.executable, tmp_path))


def _answers(command: Path) -> None:
    assert _done(command, "--version") == f"kbsync, version {kbsync.__version__}\n"
    assert json.loads(_done(command, "schema"))["title"]
    # Every written file names it.
    example = Path(__file__).parents[2] / "config.example.yaml"
    assert _done(command, "schema", "--example") == example.read_text("utf-8")


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def _page(address: str) -> str:
    """The text at an address; whatever is no success is an error."""
    with urlopen(address, timeout=5) as reply:
        return str(reply.read().decode())


def _ready(daemon: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + 60
    while daemon.poll() is None and time.monotonic() < until:
        try:
            _page(address)
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the daemon was not ready within a minute")


@pytest.mark.parametrize("which", VERSIONS)
def test_demo_mirror_and_daemon_as_a_tool_of_uv(
    packages: Packages, which: str, tmp_path: Path
) -> None:
    python = next(filter(None, map(_python, VERSIONS[which])), None)
    if python is None:
        pytest.skip(f"needs the package python{VERSIONS[which][0]}")
    command = _by_uv(packages.wheel, python, tmp_path)
    _answers(command)
    assert "nothing to do" in _done(command, "demo", TMPDIR=str(tmp_path))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "fox.md").write_text("A fox sleeps under the barn.\n")
    port = _free_port()
    configuration = tmp_path / "kbsync.yaml"
    configuration.write_text(
        "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\n"
        f'web: {{listen: "127.0.0.1:{port}"}}\n'
        "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs}]\n"
    )
    _done(command, "-c", configuration, "apply")
    daemon = subprocess.Popen([command, "-c", configuration, "run"], cwd="/")
    try:
        _ready(daemon, f"http://127.0.0.1:{port}/readyz")
        for page in ("/", "/mirrors/docs", "/static/page.css", "/static/page.js"):
            assert _page(f"http://127.0.0.1:{port}{page}")
        assert "fox.md" in _page(f"http://127.0.0.1:{port}/search?q=fox")
    finally:
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(60) == 0
