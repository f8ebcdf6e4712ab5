"""What is no change causes no wake."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from declared import mirror_config
from watching import Watching, watches

from kbsync.engine.change_source import ChangedPaths
from kbsync.source.folder import Folder

Begin = Callable[..., Watching]


def made(root: Path) -> None:
    for name in ("a.md", "guides/b.md", "guides/deep/c.md"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}", "utf-8")
    (root / ".gitignore").write_text("*.bak.md\n", "utf-8")


def test_reading_and_walking_are_no_change(root: Path, watching: Begin) -> None:
    made(root)
    watched = watching()
    source = Folder(mirror_config(root, max_file_size=1 << 20, extensions={"md"}))
    for _ in range(3):
        rows = [row[0] for row in source.scan() if isinstance(row, tuple)]
        for path in rows:
            assert source.look(path) is not None
            assert source.read(path) is not None
    assert rows == ["a.md", "guides/b.md", "guides/deep/c.md"]
    assert watched.settled() == ChangedPaths()


def test_what_is_left_out_wakes_nobody(root: Path, watching: Begin) -> None:
    made(root)
    (root / "out").mkdir()
    watched = watching(exclude=("out/",))
    (root / ".git" / "objects").mkdir(parents=True)
    for n in range(50):
        (root / ".git" / "objects" / f"{n}.md").write_text("loose", "utf-8")
        (root / ".hidden.md").write_text(f"{n}", "utf-8")
        (root / "out" / f"{n}.md").write_text(f"{n}", "utf-8")
        (root / f"{n}.bak.md").write_text("left out by .gitignore", "utf-8")
        (root / "ledger.db-wal").write_bytes(b"no document")
    shutil.rmtree(root / ".git")
    shutil.rmtree(root / "out")
    assert watched.wakes == 0
    assert watched.settled() == ChangedPaths()


def test_hidden_files_are_told_where_they_are_wanted(root: Path, watching: Begin) -> None:
    (root / ".notes").mkdir()
    watched = watching(hidden=True)
    (root / ".notes" / "a.md").write_text("wanted", "utf-8")
    (root / ".git").mkdir()
    (root / ".git" / "a.md").write_text("never wanted", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({".notes/a.md"}))


def test_files_that_only_a_rule_takes_are_told(root: Path, watching: Begin) -> None:
    (root / "src").mkdir()
    rules = [{"match": "*.py", "send": "text"}, {"match": "*.pptx", "send": "converted"}]
    watched = watching(rules=rules)
    for name in ("src/a.py", "b.pptx", "c.rst", "d.png"):
        (root / name).write_text("wanted or not", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({"src/a.py", "b.pptx"}))


def test_a_new_ignore_file_sets_what_is_watched(root: Path, watching: Begin) -> None:
    made(root)
    watched = watching()
    (root / "guides" / ".kbsyncignore").write_text("deep/\n", "utf-8")
    assert watched.settled() == ChangedPaths(folders=frozenset({"guides"}))
    (root / "guides" / "deep" / "c.md").write_text("left out now", "utf-8")
    assert watched.settled() == ChangedPaths()
    (root / "guides" / ".kbsyncignore").unlink()
    assert watched.settled() == ChangedPaths(folders=frozenset({"guides"}))
    (root / "guides" / "deep" / "c.md").write_text("taken again", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({"guides/deep/c.md"}))
    (root / "guides").rename(root.with_name("gone"))
    assert watched.settled() == ChangedPaths(folders=frozenset({"guides"}))
    assert watches() == 1


def test_an_ignore_file_that_gets_its_name_right_is_told(root: Path, watching: Begin) -> None:
    made(root)
    (root / "guides" / ".kbsyncignore.txt").write_text("deep/\n", "utf-8")
    watched = watching()
    (root / "guides" / ".kbsyncignore.txt").unlink()
    assert watched.settled() == ChangedPaths(folders=frozenset({"guides"}))


def test_ignore_files_that_do_not_count_are_not_told(root: Path, watching: Begin) -> None:
    made(root)
    watched = watching(gitignore=False)
    (root / "guides" / ".gitignore").write_text("deep/\n", "utf-8")
    (root / "guides" / "deep" / "c.md").write_text("still taken", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({"guides/deep/c.md"}))


def test_one_wake_until_somebody_takes(root: Path, watching: Begin) -> None:
    watched = watching()
    for n in range(500):
        (root / f"{n}.md").write_text("many", "utf-8")
    deadline = time.monotonic() + 30
    while watched.wakes == 0:
        assert time.monotonic() < deadline
    reported = watched.settled()
    assert reported.paths == {f"{n}.md" for n in range(500)}
    assert watched.wakes < 20


def test_at_rest_it_costs_next_to_nothing(root: Path) -> None:
    for n in range(300):
        (root / f"folder-{n}").mkdir()
    rest = 4.0
    program = (
        "import sys, time\n"
        "from kbsync.config import MirrorConfig\n"
        "from kbsync.source.watch.watcher import Watcher\n"
        "config = MirrorConfig(name='docs', source=sys.argv[1], knowledge_base='Docs')\n"
        "watch = Watcher(config)\n"
        "watch.start(lambda: None)\n"
        "before = time.process_time()\n"
        "time.sleep(float(sys.argv[2]))\n"
        "print(time.process_time() - before)\n"
        "watch.stop()\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, os.fspath(root), str(rest)],
        check=True,
        capture_output=True,
        text=True,
    )
    # 0.2 s of CPU in 60 s is what the whole daemon may use.
    assert float(ran.stdout) < 0.1 * rest / 60


def test_a_sidecar_that_changes_is_told_as_its_file(root: Path, watching: Begin) -> None:
    made(root)
    watched = watching()
    (root / "a.md.kbsync.yaml").write_text("metadata: {a: 1}\n", "utf-8")
    assert watched.settled() == ChangedPaths(frozenset({"a.md"}))
    (root / "guides" / "b.md.kbsync.yaml").write_text("enabled: false\n", "utf-8")
    (root / "a.md.kbsync.yaml").unlink()
    assert watched.settled() == ChangedPaths(frozenset({"a.md", "guides/b.md"}))
