"""The same decisions and digests in every process, whatever order its sets and dicts have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

UNIT = Path(__file__).parents[1] / "unit"

# Sets of strings on purpose: their order is another one under another seed.
SCRIPT = """
import hashlib
from dataclasses import replace
from kbsync.config.guard import GuardConfig
from kbsync.model import Cause, Delete, DocKey, Present, Stat
from kbsync.planning.decide import decide
from kbsync.planning.guard import Facts, History, guard
from kbsync.planning.rename_detection import Vacated, chains, pair
from kbsync.planning.plan import make_plan
from planning import with_entry, without_entry
from planning.stories import case

stories = with_entry.STORIES + without_entry.STORIES
decided = [decide(case(**story.given)) for story in stories]
print(hashlib.sha256("\\n".join(map(repr, decided)).encode()).hexdigest())

paths = {f"{n}/\\u00fc\\u2215\\x1b{n}" for n in range(60)}
each = dict(zip(sorted(paths), decided))
actions = [replace(each[path], key=DocKey(mirror="docs", path=path)) for path in paths]
print(make_plan(actions).digest)

keys = [DocKey(mirror="docs", path=path) for path in paths]
words = {"row": "T20", "cause": Cause.REMOVED, "name": "n"}
deletes = {Delete(key=key, document_id=key.path, **words) for key in keys}
halted = guard(deletes, Facts(mirror="docs", documents=60), History(), GuardConfig())
print(halted.digest, sorted(halted.members)[0], halted.why)

free = {Vacated(key=k, document_id=k.path, content=k.path, size=1) for k in keys}
new = {
    Present(key=DocKey(mirror="docs", path=f"new {p}"), stat=Stat(1, 1, 1, 1), content=p)
    for p in paths
}
print(pair(free, new), [len(chain) for chain in chains(pair(free, new))])
"""


def test_nothing_depends_on_the_process_or_its_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "1", "4242"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": f"{UNIT}{os.pathsep}{UNIT.parent}",
        }
        ran = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        outputs.add(ran.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop().splitlines()) == 4
