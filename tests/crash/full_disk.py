"""The disk under the ledger is full, at drawn moments, while uploads are in flight.

Run in a user and mount namespace of its own: python -m tests.crash.full_disk FOLDER SEED
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from running_daemon import keeping
from typing_commands import SECONDS

from .killing import IN_FLIGHT, Nth, blamed
from .proxy import Proxy, between, let_pass
from .site import NEXT, NO_MERGE, Base, Folder, differences, serving

PATIENCE, WINDOW = 1.0, 2.5  # seconds
FILES, TIMES = 40, 2
SIZE = "8m"


class Disk:
    """A file system of eight megabytes with a ballast that takes what is left of it."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", place], check=True)
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Take all there is, to the last page."""
        with self._ballast.open("ab", buffering=0) as file:
            for size in (65536, 4096, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        self._ballast.unlink()


def _full_in_the_middle(folder: Folder, proxy: Proxy, disk: Disk, stages: int) -> float:
    """Fill the disk while an apply is at work; return when that gave up."""
    before = len(folder.log())
    moment = Nth(stages)
    proxy.moment = moment
    process = folder.start("apply")
    end = time.monotonic() + SECONDS
    while not moment.reached.wait(0.02):
        assert process.poll() is None, folder.log()
        assert time.monotonic() < end
    disk.fill()
    full = time.monotonic()
    assert process.wait(SECONDS) == 1, folder.log()
    ended = time.monotonic()
    proxy.moment = let_pass
    logged = folder.log()[before:]
    assert "KB-L040" in logged, logged
    assert NEXT in logged, logged
    assert "Traceback" not in logged, logged
    late = [each for each in proxy.passages if each.verb.upload and each.received > full]
    assert len(late) <= IN_FLIGHT, late
    return ended


def _nothing_while_it_is_full(folder: Folder, proxy: Proxy, disk: Disk) -> None:
    """No upload begins that could not be written down first."""
    disk.fill()  # a ledger that was closed has given its log's room back
    sent = len(proxy.passages)
    printed = folder.terminal.type("apply", exit=1)
    assert NEXT in printed, printed
    assert all(not each.verb.upload for each in proxy.passages[sent:])


def applied(place: Path, seed: int) -> None:
    """An apply meets the full disk again and again, and ends exact when there is room."""
    drawn = random.Random(seed)
    with (
        serving(place, *(NO_MERGE if seed % 2 else ())) as server,
        between(server.url, patience=PATIENCE) as proxy,
    ):
        folder = Folder(place / "here", proxy.url, patience=PATIENCE, window=WINDOW)
        base = Base(server.url)
        disk = Disk(place / "here" / "state")
        for number in range(FILES):
            folder.write(number)
        ends = []
        for _ in range(TIMES):
            ends.append(_full_in_the_middle(folder, proxy, disk, drawn.randint(4, 40)))
            _nothing_while_it_is_full(folder, proxy, disk)
            disk.free()
        folder.terminal.type("apply")
        assert differences(folder, base) == []
        assert folder.counts() == {}
        blame = blamed(proxy.uploads(), ends)
        assert max(blame.values(), default=0) <= IN_FLIGHT, blame
        assert not blame["unexcused"], blame
        _kept(folder, base, disk)
        base.close()


def _kept(folder: Folder, base: Base, disk: Disk) -> None:
    """A daemon outlives a full disk, and closes what came meanwhile once there is room."""
    with keeping(folder.place) as daemon:
        disk.fill()
        for number in range(FILES, FILES + 8):
            folder.write(number)
        daemon.until(lambda: any("KB-L040" in str(line) for line in daemon.lines()))
        disk.free()
        daemon.until(lambda: not differences(folder, base))
        daemon.end()
    assert folder.counts() == {}


if __name__ == "__main__":
    os.umask(0o077)
    applied(Path(sys.argv[1]), int(sys.argv[2]))
