"""Every verb that asks a server says what it waits for, and goes on."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout

import pytest
from mishaps import Place
from on_the_way import forwarding, listening
from typing_commands import KEY, served

from kbsync.cli import obey
from kbsync.commands import patience

LATE = 0.4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A mirror that was applied, whose server answers every call late."""
    place = Place(tmp_path_factory.mktemp("voices"))
    with served(place.folder) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        place.configure(f'{{url: "{url}", api_key: {KEY}}}')
        place.says("apply")
        passing_on = forwarding(port)

        def late(line: socket.socket) -> None:
            time.sleep(LATE)
            passing_on(line)

        with listening(late) as proxy:
            way = f'proxy: "http://127.0.0.1:{proxy}"'
            place.configure(f'{{url: "{url}", api_key: {KEY}, {way}}}')
            yield place


@pytest.mark.parametrize(
    "typed",
    [
        "validate",
        "doctor",
        "plan",
        "verify",
        "verify --search",
        "search words",
        "explain page.md",
        "kb list",
    ],
)
def test_a_verb_says_what_it_waits_for(
    typed: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SILENT", LATE / 4)
    verb, *more = typed.split()
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        exit = obey(
            ["-c", str(place.file), verb, *more, *(["--json"] if verb != "explain" else [])]
        )
    said = errors.getvalue()
    assert exit == 0, said
    assert "kbsync: waiting: " in said
    assert "http://127.0.0.1:" in said
    assert "\n  next: " in said
    if verb != "explain":
        json.loads(output.getvalue())
