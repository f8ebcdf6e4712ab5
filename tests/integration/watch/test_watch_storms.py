"""More at once than can be kept apart: the queue runs over, folders appear faster than watches."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from declared import mirror_config
from watching import PATIENCE, Watching, content, differing, names

from kbsync.source.watch.watcher import Watcher

Begin = Callable[..., Watching]


def queued_at_most() -> int:
    return int(Path("/proc/sys/fs/inotify/max_queued_events").read_text("ascii"))


def many(root: Path, events: int) -> None:
    """Make at least so many events that the kernel cannot merge, in few files."""
    for n in range(events // 2 + 1):
        (root / f"{n % 2}.md").rename(root / f"{(n + 1) % 2}.md")


def test_the_queue_runs_over(root: Path) -> None:
    if queued_at_most() > 100_000:
        pytest.skip("fs.inotify.max_queued_events is above 100,000 on this machine")
    (root / "old").mkdir()
    (root / "0.md").write_text("text", "utf-8")
    held, go_on = threading.Event(), threading.Event()

    def wake() -> None:
        """Hold the reader at its first event, so that the kernel's queue fills up."""
        held.set()
        assert go_on.wait(PATIENCE)

    watch = Watcher(mirror_config(root, extensions={"md"}))
    watch.start(wake)
    try:
        (root / "first.md").write_text("first", "utf-8")
        assert held.wait(PATIENCE)
        many(root, queued_at_most())
        # These are lost: a file, and a folder without a watch then.
        (root / "old" / "lost.md").write_text("lost", "utf-8")
        (root / "new").mkdir()
        go_on.set()
        deadline = time.monotonic() + PATIENCE
        while "" not in watch.take().folders:
            assert time.monotonic() < deadline, "the overflow was not reported"
            time.sleep(0.01)
        (root / "new" / "after.md").write_text("seen", "utf-8")
        while "new/after.md" not in watch.take().paths:
            assert time.monotonic() < deadline, "the new folder is not watched"
            time.sleep(0.01)
    finally:
        go_on.set()
        watch.stop()


STOPPED = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[2]]
from watching import Watching, names

root = Path(sys.argv[1])
watched = Watching(root)
print("watching", flush=True)
paths = ["late/deep/new.md", *(f"box-{n % 20}/{n}.md" for n in range(20_000))]
watched.until(lambda seen: "" in seen.folders or all(names(seen, path) for path in paths))
for folder in ("box-7", "late/deep"):
    (root / folder / "after.md").write_text("after", "utf-8")
    watched.until(lambda reported: f"{folder}/after.md" in reported.paths)
watched.watch.stop()
"""


def test_a_stopped_process_misses_nothing(root: Path) -> None:
    """20,000 new files, more than the kernel's queue holds, while the watching one is stopped."""
    for n in range(20):
        (root / f"box-{n}").mkdir()
    command = [sys.executable, "-c", STOPPED, str(root), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline() == "watching\n"
            watching.send_signal(signal.SIGSTOP)
            for n in range(20_000):
                os.close(os.open(root / f"box-{n % 20}" / f"{n}.md", os.O_CREAT | os.O_WRONLY))
            (root / "late" / "deep").mkdir(parents=True)
            (root / "late" / "deep" / "new.md").write_text("new", "utf-8")
            watching.send_signal(signal.SIGCONT)
            assert watching.wait(60) == 0
        finally:
            watching.kill()


def test_folders_appear_faster_than_watches(root: Path, watching: Begin) -> None:
    watched = watching()
    before = content(root)

    def grow(branch: int) -> None:
        for n in range(30):
            deep = root / f"branch-{branch}" / f"{n}" / "a" / "b" / "c"
            deep.mkdir(parents=True)
            for folder in (deep, *deep.parents[:3]):
                (folder / "leaf.md").write_text("leaf", "utf-8")

    growing = [threading.Thread(target=grow, args=(branch,)) for branch in range(4)]
    for one in growing:
        one.start()
    for one in growing:
        one.join()
    reported = watched.settled()
    differ = differing(before, content(root))
    assert len(differ) == 4 * 30 * 4
    assert not {path for path in differ if not names(reported, path)}
    # All of them are watched now.
    for path in differ:
        (root / path).write_text("again", "utf-8")
    assert watched.settled().paths == differ


def test_folders_moved_while_they_are_filled(root: Path, watching: Begin) -> None:
    """A folder is renamed round and round while it is written into."""
    (root / "at-0" / "deep").mkdir(parents=True)
    watched = watching()
    before = content(root)
    for n in range(200):
        at = root / f"at-{n}"
        (at / "deep" / f"{n}.md").write_text("here", "utf-8")
        (at / f"new-{n}").mkdir()
        (at / f"new-{n}" / "x.md").write_text("here", "utf-8")
        at.rename(root / f"at-{n + 1}")
    reported = watched.settled()
    after = content(root)
    assert len(after) == 400
    assert not {path for path in differing(before, after) if not names(reported, path)}
    (root / "at-200" / "new-100" / "x.md").write_text("still watched", "utf-8")
    (root / "at-200" / "deep" / "0.md").write_text("still watched", "utf-8")
    assert watched.settled().paths == {"at-200/new-100/x.md", "at-200/deep/0.md"}


def test_nothing_is_lost_between_takes(root: Path, watching: Begin) -> None:
    watched = watching()
    takes: list[frozenset[str]] = []
    writing = threading.Event()

    def take_on() -> None:
        while not writing.is_set():
            takes.append(watched.watch.take().paths)

    taking = threading.Thread(target=take_on)
    taking.start()
    for n in range(3000):
        os.close(os.open(root / f"{n}.md", os.O_CREAT | os.O_WRONLY))
    writing.set()
    taking.join()
    rest = watched.settled().paths
    assert {f"{n}.md" for n in range(3000)} <= rest.union(*takes)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_reader_that_fails_is_replaced(root: Path) -> None:
    """Whatever ends the reading thread: all is compared again, and a new one reads on."""
    calls: list[int] = []

    def wake() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("a fault in the first call")

    watch = Watcher(mirror_config(root, extensions={"md"}))
    watch.start(wake)
    try:
        (root / "a.md").write_text("a", "utf-8")
        deadline = time.monotonic() + PATIENCE
        while "" not in watch.take().folders:
            assert time.monotonic() < deadline, "the overflow went unnoticed"
            time.sleep(0.01)
        (root / "b.md").write_text("b", "utf-8")
        while "b.md" not in watch.take().paths:
            assert time.monotonic() < deadline, "no reader goes on"
            time.sleep(0.01)
    finally:
        watch.stop()
