"""Hostile configuration files: each ends at once, with exit 64 and the place of the fault."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from bounds import bounded
from hostile_configurations import SOUND, WRITTEN
from typing_commands import Terminal

from kbsync.cli import obey

SECONDS = 3.0
MEBIBYTES = 150
LONGEST_OUTPUT = 2 << 20  # every fault is reported, and a key may be as long as the file


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KEY", "dataset-1")
    (tmp_path / "docs").mkdir()
    return tmp_path


def refused(capsys: pytest.CaptureFixture[str], file: str = "kbsync.yaml") -> str:
    """Type a command that has to end for its configuration; return what was said."""
    with bounded(seconds=SECONDS, mebibytes=MEBIBYTES):
        code = obey(["-c", file, "plan"])
    out, err = capsys.readouterr()
    assert code == 64, (code, out[-2000:], err[-2000:])
    assert out == ""
    assert "Traceback" not in err
    assert re.search(r"\[KB-C\d{3}\]\n  next: .*(kbsync -c |ls -)", err), err[-2000:]
    assert len(err) < LONGEST_OUTPUT, len(err)
    assert err.replace("\n", "").isprintable()
    return err


@pytest.mark.parametrize("name", WRITTEN)
def test_a_hostile_file_is_refused_where_its_fault_is(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    content, line = WRITTEN[name]
    (folder / "kbsync.yaml").write_bytes(content)
    shown = refused(capsys)
    place = "kbsync.yaml:" if line is None else f"kbsync.yaml:{line}: "
    assert place in shown, shown[-2000:]


def loop(file: Path) -> None:
    file.symlink_to(file.name)


def bound_socket(file: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(file.name)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a loop of links": (loop, "KB-C002"),
    "a folder": (Path.mkdir, "KB-C003"),
    "a pipe without a writer": (os.mkfifo, "KB-C002"),
    "a socket": (bound_socket, "KB-C003"),
    "a device without end": (lambda file: file.symlink_to("/dev/zero"), "KB-C005"),
    "a device without content": (lambda file: file.symlink_to("/dev/null"), "KB-C004"),
    "a link to nowhere": (lambda file: file.symlink_to("gone"), "KB-C001"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    make, code = ODD[name]
    make(folder / "kbsync.yaml")
    assert f"[{code}]" in refused(capsys)


@pytest.mark.parametrize(
    "name", ["a" * 300, "a\nb.yaml", "\x1b[31m.yaml", "\u202e.yaml", "caf\udce9"]
)
def test_a_name_no_file_has(capsys: pytest.CaptureFixture[str], name: str) -> None:
    refused(capsys, name)


@pytest.mark.parametrize(
    "make", [os.mkfifo, loop, Path.mkdir, lambda file: file.symlink_to("/dev/zero")]
)
def test_a_key_file_that_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], object]
) -> None:
    make(folder / "key")
    text = SOUND.replace("embedded", "'http://127.0.0.1:1/v1', api_key_file: key")
    (folder / "kbsync.yaml").write_text(text)
    assert "kbsync.yaml:2: server.api_key_file: " in refused(capsys)


def test_a_configuration_through_a_pipe_is_read(folder: Path) -> None:
    os.mkfifo(folder / "kbsync.yaml")
    written = threading.Thread(target=(folder / "kbsync.yaml").write_text, args=(SOUND,))
    written.start()
    Terminal(folder).type("validate")
    written.join()


def test_a_variable_brings_in_no_yaml(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAME", "docs, source: /etc}]\nmirrors: [{name: \x1b[31m\u202eother")
    (folder / "kbsync.yaml").write_text(SOUND.replace("name: docs", "name: '${NAME}'"))
    assert "kbsync.yaml:3: mirrors[0].name: " in refused(capsys)
