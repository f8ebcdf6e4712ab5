"""The server dies in the middle of an apply, and comes back where it was."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from .proxy import between
from .site import NEXT, NO_MERGE, Base, Folder, differences, serving
from .together import together

PATIENCE, WINDOW = 1.0, 2.5  # seconds
FILES, DEATHS = 40, 3


def _creates(place: Path) -> int:
    return (place / "requests.jsonl").read_text().count("create-by-file")


def _ended(process: subprocess.Popen[bytes], folder: Folder) -> None:
    """It converged, or it said what to type next."""
    assert process.returncode in (0, 1, 3), folder.log()
    assert process.returncode == 0 or NEXT in folder.log()
    assert "Traceback" not in folder.log()


def _story(place: Path, *quirks: str) -> list[str]:
    drawn = random.Random(len(quirks))
    # Straight to a server that is not there nothing is sent; through a proxy it is not known.
    with serving(place, *quirks) as server, between(server.url, patience=PATIENCE) as proxy:
        url = proxy.url if quirks else server.url
        folder = Folder(place / "here", url, patience=PATIENCE, window=WINDOW)
        base = Base(server.url)
        for number in range(FILES):
            folder.write(number)
        process = folder.start("apply")
        for death in range(DEATHS):
            enough = FILES * death // DEATHS + drawn.randint(1, FILES // DEATHS - 4)
            while _creates(place) < enough:
                if process.poll() is not None:
                    _ended(process, folder)
                    process = folder.start("apply")
                time.sleep(0.002)
            server.end(signal.SIGKILL)
            server.start()
        process.wait(300)
        _ended(process, folder)
        folder.terminal.type("apply")
        assert folder.counts() == {}
        wrong = differences(folder, base)
        base.close()
        return wrong


@pytest.mark.timeout(400)
@pytest.mark.seconds(20)
def test_a_server_that_is_killed(tmp_path: Path) -> None:
    stories = {"merging": _story, "doubling": lambda place: _story(place, *NO_MERGE)}
    assert not together(tmp_path, stories)
