"""Stories that need limits or mounts of their own: run by the tests inside a user namespace.

    unshare --user --map-root-user --mount python confined.py STORY FOLDER

A story that ends well prints nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from watching import Watching, names

from kbsync.engine.change_source import ChangedPaths

TICK = 0.2


def limit(what: str, value: int) -> None:
    Path(f"/proc/sys/user/max_inotify_{what}").write_text(str(value), "ascii")


def folders(root: Path, count: int) -> None:
    for n in range(count):
        (root / f"folder-{n:02}" / "deep").mkdir(parents=True)


def mount(place: Path, kind: str = "tmpfs") -> None:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", kind, "none", place], check=True)


def reported_everywhere(watched: Watching, root: Path, word: str) -> None:
    """Change every folder, one after the other, and wait for each change to be reported."""
    for place in sorted(found for found in root.rglob("*") if found.is_dir()):
        path = f"{place.relative_to(root)}/{word}.md"
        (root / path).write_text(word, "utf-8")
        watched.until(lambda reported, path=path: names(reported, path))  # type: ignore[misc]


def watches_run_out(root: Path) -> None:
    folders(root, 10)
    limit("watches", 9)
    watched = Watching(root, poll_interval=TICK)
    assert watched.watch.mode == "inotify+polling"
    notice = watched.watch.notice
    assert notice is not None
    assert notice.code == "KB-W001"
    assert "sysctl -w user.max_inotify_watches=524288" in notice.next
    assert " 6 folders " in notice.text, notice.text
    reported_everywhere(watched, root, "short")

    # What appears now finds no watch either, and is reported all the same.
    (root / "late" / "deep").mkdir(parents=True)
    reported_everywhere(watched, root, "late")

    limit("watches", 1000)
    watched.until(lambda _: watched.watch.mode == "inotify")
    assert watched.watch.notice is None
    watched.settled()
    (root / "late" / "deep" / "seen.md").write_text("seen", "utf-8")
    assert "late/deep/seen.md" in watched.settled().paths
    watched.watch.stop()


def no_watch_at_all(root: Path) -> None:
    folders(root, 3)
    limit("watches", 0)
    watched = Watching(root, poll_interval=TICK)
    assert watched.watch.mode == "polling"
    reported_everywhere(watched, root, "polled")
    limit("watches", 100)
    watched.until(lambda _: watched.watch.mode == "inotify")
    watched.watch.stop()


def instances_run_out(root: Path) -> None:
    folders(root, 3)
    limit("instances", 1)
    first = Watching(root, poll_interval=TICK)
    second = Watching(root, poll_interval=TICK)
    assert first.watch.mode == "inotify"
    assert second.watch.mode == "polling"
    assert second.watch.notice is not None
    assert second.watch.notice.code == "KB-W002"
    assert "sysctl -w user.max_inotify_instances=1024" in second.watch.notice.next
    reported_everywhere(second, root, "polled")
    first.watch.stop()
    second.until(lambda _: second.watch.mode == "inotify")
    second.watch.stop()


def file_system_without_events(root: Path) -> None:
    mount(root)
    folders(root, 3)
    watched = Watching(root, poll_interval=TICK, network_types={"tmpfs"})
    assert watched.watch.mode == "polling"
    assert watched.watch.notice is not None
    assert watched.watch.notice.code == "KB-W003"
    assert "is on tmpfs," in watched.watch.notice.text
    reported_everywhere(watched, root, "polled")
    watched.watch.stop()


def part_without_events(root: Path) -> None:
    mount(root)
    folders(root, 3)
    mount(root / "shared folder", "ramfs")
    watched = Watching(root, poll_interval=TICK, network_types={"ramfs"})
    assert watched.watch.mode == "inotify+polling"
    assert watched.watch.notice is not None
    assert watched.watch.notice.code == "KB-W004"
    folders(root / "shared folder", 2)
    reported_everywhere(watched, root, "reported")
    watched.until(lambda reported: reported.folders == {"shared folder"})
    watched.watch.stop()


def mounts_come_and_go(root: Path) -> None:
    def everything(reported: ChangedPaths) -> bool:
        return "" in reported.folders

    folders(root, 2)
    watched = Watching(root)
    place = root / "folder-00"
    mount(place)
    watched.until(everything)
    (place / "on-top.md").write_text("seen", "utf-8")
    assert "folder-00/on-top.md" in watched.settled().paths
    subprocess.run(["umount", place], check=True)
    watched.until(everything)
    (place / "deep" / "beneath.md").write_text("seen", "utf-8")
    assert "folder-00/deep/beneath.md" in watched.settled().paths
    # A mount elsewhere changes nothing.
    mount(root.with_name("elsewhere"))
    assert watched.settled() == ChangedPaths()

    mount(root)
    watched.until(lambda reported: reported.root)
    subprocess.run(["umount", root], check=True)
    watched.until(lambda reported: reported.root)
    (place / "after.md").write_text("seen", "utf-8")
    watched.until(lambda reported: "folder-00/after.md" in reported.paths)
    watched.watch.stop()


STORIES: dict[str, Callable[[Path], None]] = {
    story.__name__: story
    for story in (
        watches_run_out,
        no_watch_at_all,
        instances_run_out,
        file_system_without_events,
        part_without_events,
        mounts_come_and_go,
    )
}

if __name__ == "__main__":
    STORIES[sys.argv[1]](Path(os.fsdecode(sys.argv[2])))
