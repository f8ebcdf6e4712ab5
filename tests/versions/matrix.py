"""What a user does with one version of the server, and whether both sides are the same after it."""

from __future__ import annotations

import re
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .mirrored import PATIENCE, Mirrored, mirrored, outside, writes

PROFILES = ("page", "0.6", "0.15", "1.1", "1.3", "1.5", "1.10", "1.12", "1.16")
# Versions without metadata: a lost ledger cannot be made again from marks.
GUARDED = 4
UNMARKED = ("page", "0.6", "0.15")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the matrix.

    Args:
        requests, writes: how many the server counted.
        wrong: what was not the same on both sides, or else not as it has to be.
    """

    name: str
    requests: int
    writes: int
    seconds: float
    wrong: tuple[str, ...] = ()


class Matrix:
    """All steps on one profile.

    Args:
        place: an empty folder.
        profile: the name of a version that the embedded server plays.
        files: how many files are mirrored first, at least 20; a fifth is renamed with its folder.
        daemon_for: seconds that the daemon runs.
    """

    def __init__(self, place: Path, profile: str, *, files: int, daemon_for: float) -> None:
        self._place = place
        self._profile = profile
        self._files = files
        self._daemon_for = daemon_for
        self.outside: list[tuple[str, str]] = []

    def steps(self) -> Iterator[Step]:
        """Take all steps."""
        with mirrored(self._place / "main", self._profile) as it:
            self._fill(it)
            yield self._step(it, "validate", lambda: it.type("validate"), same=False)
            yield self._step(it, "first apply", lambda: it.type("apply"))
            yield self._step(it, "second apply", lambda: it.type("apply"), quiet=True)
            self._change(it)
            yield self._step(it, "changes", lambda: it.type("apply"))
            yield self._step(it, "nothing left", lambda: it.type("plan"), quiet=True)
            it.lose_ledger()
            yield self._step(it, "lost ledger", lambda: self._rebuild(it))
            yield self._step(it, "nothing left", lambda: it.type("plan"), quiet=True)
            yield self._step(it, "daemon", lambda: self._daemon(it))
        with mirrored(self._place / "killed", self._profile, "--indexing-delay", "0.05") as it:
            self._fill(it)
            yield self._step(it, "kill -9", lambda: self._kill(it))

    def _step(
        self, it: Mirrored, name: str, act: object, *, same: bool = True, quiet: bool = False
    ) -> Step:
        began = time.monotonic()
        assert callable(act)
        act()
        took = time.monotonic() - began
        requests = it.requests()
        self.outside += outside(requests)
        wrong = it.differences() if same else []
        if quiet and writes(requests):
            wrong.append(f"{writes(requests)} writes")
        return Step(
            name=name,
            requests=sum(requests.values()),
            writes=writes(requests),
            seconds=took,
            wrong=tuple(wrong),
        )

    def _fill(self, it: Mirrored) -> None:
        for number in range(self._files):
            folder = "old/" if number < self._files // 5 else ""
            it.write(f"{folder}page {number:03}.md", f"# Page {number}\n\nwords of page{number}\n")

    def _change(self, it: Mirrored) -> None:
        """Edit three, delete two, rename a folder, add four."""
        last = self._files - 1
        for number in range(last - 2, last + 1):
            it.write(f"page {number:03}.md", f"# Page {number}\n\nedited\n")
        for number in range(last - 4, last - 2):
            (it.docs / f"page {number:03}.md").unlink()
        (it.docs / "old").rename(it.docs / "new")
        for number in range(4):
            it.write(f"added {number}.md", f"added words {number}\n")

    def _rebuild(self, it: Mirrored) -> None:
        """Mirror again without the ledger: by the marks, or by what a person agrees to."""
        if self._profile in UNMARKED:
            assert it.plan() == {"conflict": len(it.files())}
            it.type("adopt", "docs", "--trust", "size", "--yes")
        printed = it.type("apply", exits=(0, GUARDED))
        # The oldest lists no sizes, so that every document is sent again: a person agrees to it.
        released = re.search(r"--release [0-9a-f]+", printed)
        if released is not None:
            it.type("apply", *released[0].split())

    def _daemon(self, it: Mirrored) -> None:
        daemon = it.start("run")
        try:
            time.sleep(2.0)
            it.write("added 0.md", "edited while the daemon runs\n")
            it.write("while running.md", "new while the daemon runs\n")
            (it.docs / "added 1.md").rename(it.docs / "renamed.md")
            (it.docs / "added 2.md").unlink()
            deadline = time.monotonic() + PATIENCE
            time.sleep(self._daemon_for)
            while it.differences() or it.unfinished():
                assert time.monotonic() < deadline, it.differences()
                time.sleep(0.1)
        finally:
            daemon.send_signal(signal.SIGTERM)
            ended = daemon.wait(PATIENCE)
        assert ended == 0

    def _kill(self, it: Mirrored) -> None:
        it.killed_amid("apply", documents=self._files // 3)
        it.type("apply", exits=(0, 3))
        it.type("apply")

    def place(self) -> None:
        """Make the folders of the two servers."""
        for name in ("main", "killed"):
            shutil.rmtree(self._place / name, ignore_errors=True)
            (self._place / name).mkdir(parents=True)
