"""What every row is given: the size, the versions to compare, and where trees are kept."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.figures import Point
from benchmarks.sizes import Size
from benchmarks.trees import Shape, make_tree

NOW, BEFORE = "kbsync", "kbsync before"


@dataclass(frozen=True)
class Version:
    """One version of kbsync.

    Args:
        name: `NOW` or `BEFORE`.
        python: the interpreter of its environment.
    """

    name: str
    python: Path

    @property
    def command(self) -> str:
        """Path of its command."""
        return str(self.python.with_name("kbsync"))

    @property
    def tag(self) -> str:
        """What keeps its ledgers apart from those of others."""
        if self.name == NOW:
            return "now"
        return f"before-{hashlib.sha256(str(self.python).encode()).hexdigest()[:8]}"

    def described(self) -> str:
        """Return the commit of its checkout, or its version."""
        code = "import kbsync, pathlib; print(pathlib.Path(kbsync.__file__).parents[1])"
        folder = _output(str(self.python), "-I", "-c", code)
        commit = _output("git", "-C", folder, "describe", "--always", "--dirty")
        return commit or _output(self.command, "--version")


@dataclass
class Suite:
    """One run of the suite.

    Args:
        size: how large.
        versions: the first is `NOW`.
        keep: trees and ledgers that a repeat finds again.
        scratch: what is gone at the end.

    Attributes:
        skipped: what was left out, and which package would have been needed.
        points: of the plot.
        tables: more than one figure says, by name.
    """

    size: Size
    versions: tuple[Version, ...]
    keep: Path
    scratch: Path
    skipped: list[str] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    tables: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)

    @property
    def now(self) -> Version:
        """The version that is measured."""
        return self.versions[0]

    def tree(self, shape: Shape) -> Path:
        """Return the root of a tree of that shape, made at its first use."""
        root = self.keep / "trees" / shape.name
        root.mkdir(parents=True, exist_ok=True)
        make_tree(root, shape)
        return root

    def skip(self, why: str) -> None:
        """Note that something was left out, and say so."""
        if why not in self.skipped:
            self.skipped.append(why)
            print(why, file=sys.stderr, flush=True)


@contextmanager
def running(
    command: list[str], *, cwd: Path, env: dict[str, str] | None = None, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command beside the block, and end it with the block."""
    with log.open("ab") as errors:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=errors)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _output(*words: str) -> str:
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    return ran.stdout.strip()
