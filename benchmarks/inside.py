"""Two parts of kbsync alone, in a process that prints what they took as JSON.

python -m benchmarks.inside walk SOURCE
python -m benchmarks.inside commits FOLDER COUNT
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kbsync.config import MirrorConfig
from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.model import Binding, DocKey, Intent, Op
from kbsync.source.folder import Folder

MIRROR = "docs"


@contextmanager
def timed(into: dict[str, float], name: str) -> Iterator[None]:
    """Note what the block takes, as `NAME` in seconds and `NAME_cpu` in seconds of processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    into[name] = time.perf_counter() - wall
    into[f"{name}_cpu"] = time.process_time() - cpu


def walk(source: str) -> dict[str, float]:
    """Return what it takes to look at every file."""
    declared = {"name": MIRROR, "source": source, "knowledge_base": "Docs"}
    folder = Folder(MirrorConfig.model_validate(declared))
    found: dict[str, float] = {}
    with timed(found, "walk"):
        deque(folder.scan(), 0)
    return found


def commits(place: str, count: str) -> dict[str, float]:
    """Return what commits of one intent each take, and as many syncs of the disk."""
    found: dict[str, float] = {}
    keys = [DocKey(mirror=MIRROR, path=f"page-{number}.md") for number in range(int(count))]
    with LedgerStore.open(Path(place, "ledger.db")) as ledger:
        bound = Binding(mirror=MIRROR, server="s", base_id="b", base_name="Docs", source="/docs")
        ledger.bind(bound)
        with timed(found, "commits"):
            for key in keys:
                intent = Intent(key=key, op=Op.CREATE, name=key.path, started_at=0.0)
                ledger.commit_all([EntryChange(key=key, intent=intent)])
    with Path(place, "sync").open("wb", buffering=0) as file, timed(found, "syncs"):
        for _ in keys:
            os.pwrite(file.fileno(), b"x" * 4096, 0)
            os.fdatasync(file.fileno())
    return found


if __name__ == "__main__":
    part, *words = sys.argv[1:]
    print(json.dumps(walk(*words) if part == "walk" else commits(*words)))
