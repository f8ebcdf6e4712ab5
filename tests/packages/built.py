"""The two packages of kbsync, built once for the tests that install or open them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Packages:
    """A source package, and the wheel that was built of it and of nothing else."""

    sdist: Path
    wheel: Path

    def in_sdist(self) -> set[str]:
        """Return the files of the source package, below its top folder."""
        with tarfile.open(self.sdist) as opened:
            return {each.name.partition("/")[2] for each in opened.getmembers() if not each.isdir()}

    def in_wheel(self) -> set[str]:
        """Return the files of the wheel, by their names in it."""
        with zipfile.ZipFile(self.wheel) as opened:
            return set(opened.namelist())


def tracked() -> set[str]:
    """Return every file of the project: what git knows, or all there is where there is no git."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).exists()}


def copied(copy: Path) -> Path:
    """Copy the project's files to `copy`, as a clone has them, and return it."""
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    return copy


def build(folder: Path) -> Packages:
    """Build both packages of a copy of the project's files into `folder`."""
    copy = copied(folder / "project")
    written = [sys.executable, "-m", "tests.packages.shared_files", copy / "share"]
    subprocess.run(written, cwd=ROOT, check=True, capture_output=True, timeout=100)
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", copy],
        check=True,
        capture_output=True,
        timeout=300,
    )
    shutil.rmtree(copy)
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    (wheel,) = (folder / "dist").glob("*.whl")
    return Packages(sdist, wheel)
