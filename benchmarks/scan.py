"""How long one pass over an unchanged folder takes: `python benchmarks/scan.py [FILES] [FOLDERS]`.

Builds a folder of its own, walks it a few times and prints the best wall time of each way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections import deque
from collections.abc import Callable
from pathlib import Path

from kbsync.config import MirrorConfig
from kbsync.source.folder import Folder

MOST = 1_000_000
ROUNDS = 3


def build(root: Path, files: int, folders: int) -> None:
    """Spread `files` small files evenly over `folders` folders, three levels deep."""
    for number in range(folders):
        place = root / f"part-{number % 10}" / f"chapter-{number // 10 % 10}" / f"folder-{number}"
        place.mkdir(parents=True)
        for position in range(number, files, folders):
            (place / f"page-{position:07}.md").write_bytes(b"# A page\n")


def system_walk(root: Path) -> None:
    """Do the same with `os.walk`, a stat for every file and one sort."""
    found = []
    for place, _, names in os.walk(root):
        for name in names:
            path = f"{place}/{name}"
            seen = os.stat(path, follow_symlinks=False)  # noqa: PTH116
            times = seen.st_mtime_ns, seen.st_ctime_ns
            found.append((path, seen.st_size, *times, seen.st_ino))
    found.sort()


def find(root: Path) -> None:
    """Do the same with the system's `find`."""
    subprocess.run(
        ["find", str(root), "-type", "f", "-printf", "%p %s %T@ %i\\n"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def best(work: Callable[[], object]) -> float:
    """Return the shortest of a few wall times, in seconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    """Build, measure, print, clean up."""
    files = min(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, MOST)
    folders = min(int(sys.argv[2]) if len(sys.argv) > 2 else 1_000, files)
    root = Path(tempfile.mkdtemp(prefix="kbsync-scan-"))
    try:
        build(root, files, folders)

        def source(**more: object) -> Folder:
            declared = {"name": "bench", "source": str(root), "knowledge_base": "Docs", **more}
            return Folder(MirrorConfig.model_validate(declared))

        plain, filtered = source(), source(exclude=["*.tmp", "drafts/"], include=["**/*.md"])
        print(f"{files} files in {folders} folders, best of {ROUNDS}")
        for name, work in {
            "scan": lambda: deque(plain.scan(), 0),
            "scan with filters": lambda: deque(filtered.scan(), 0),
            "os.walk and stat": lambda: system_walk(root),
            "find": lambda: find(root),
        }.items():
            print(f"{name:20} {best(work):8.3f} s")
        some = f"part-0/chapter-0/folder-0/page-{0:07}.md"
        print(f"{'look':20} {best(lambda: [plain.look(some) for _ in range(1000)]):8.3f} ms a file")
        print(f"{'read':20} {best(lambda: [plain.read(some) for _ in range(1000)]):8.3f} ms a file")
        tracemalloc.start()
        deque(plain.scan(), 0)
        print(f"{'memory at most':20} {tracemalloc.get_traced_memory()[1] / 1e6:8.3f} MB")
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
