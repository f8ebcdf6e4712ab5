"""Hostile trees: what changes between two looks, and what is no file, through the whole command."""

from __future__ import annotations

import json
import os
import shutil
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bounds import bounded
from declared import mirror_config
from typing_commands import Terminal, served

from kbsync.model import Unknown
from kbsync.source.folder import Folder

SECRET = "the secret words outside of the root"


def source_of(ground: Path, **more: object) -> Folder:
    return Folder(mirror_config(ground / "docs", **{"extensions": {"md"}, **more}))


@pytest.fixture
def ground(tmp_path: Path) -> Path:
    """A source with a page in a folder, and beside it what must never be read."""
    (tmp_path / "outside" / "sub").mkdir(parents=True)
    for secret in ("outside/page.md", "outside/sub/page.md", "outside/.kbsyncignore"):
        (tmp_path / secret).write_text(SECRET)
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "sub" / "page.md").write_text("mine")
    (tmp_path / "docs" / "page.md").write_text("mine")
    return tmp_path


def sent(source: Folder) -> dict[str, bytes]:
    """Walk, and read everything the walk promised, as a pass does."""
    found: dict[str, bytes] = {}
    for seen in source.scan():
        if isinstance(seen, tuple):
            with source.open(seen[0]) as payload:
                if not isinstance(payload, Unknown):
                    found[seen[0]] = payload.read()
    return found


# -- swapped at every call of the system -----------------------------------------------------------


def page_for_link(ground: Path) -> None:
    page = ground / "docs" / "sub" / "page.md"
    page.unlink()
    page.symlink_to(ground / "outside" / "page.md")


def folder_for_link(ground: Path) -> None:
    sub = ground / "docs" / "sub"
    sub.rename(ground / "docs" / ".away")
    sub.symlink_to(ground / "outside" / "sub")


def page_for_pipe(ground: Path) -> None:
    page = ground / "docs" / "sub" / "page.md"
    page.unlink()
    os.mkfifo(page)


def page_for_folder(ground: Path) -> None:
    page = ground / "docs" / "sub" / "page.md"
    page.unlink()
    page.mkdir()


def ignore_for_link(ground: Path) -> None:
    (ground / "docs" / "sub" / ".kbsyncignore").symlink_to(ground / "outside" / ".kbsyncignore")


SWAPS = [
    page_for_link,
    folder_for_link,
    page_for_pipe,
    page_for_folder,
    ignore_for_link,
]
CALLS = ("open", "stat", "scandir", "listdir", "fstat", "pread", "read")


class Hook:
    """Counts the calls of the system the source makes, and swaps before one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.at: int | None = None
        self.swap: Callable[[], object] = lambda: None
        self._patch = monkeypatch

    @contextmanager
    def laid(self) -> Iterator[None]:
        with self._patch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._counting(getattr(os, name)))
            yield

    def _counting(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*words: object, **more: object) -> object:
            here, self.calls = self.calls, self.calls + 1
            if here == self.at:
                self.at = None
                self.swap()
            return real(*words, **more)

        return call


@pytest.mark.parametrize("swap", SWAPS)
@pytest.mark.parametrize("follow", [False, True])
def test_whatever_is_swapped_before_any_call_nothing_outside_is_read(
    ground: Path, monkeypatch: pytest.MonkeyPatch, swap: Callable[[Path], None], follow: bool
) -> None:
    """The same walk as often as it makes calls, swapped before another one each time."""
    kept = ground / "kept"
    shutil.copytree(ground / "docs", kept)
    hook = Hook(monkeypatch)
    with hook.laid():
        assert sent(source_of(ground, follow_symlinks=follow)) == {
            "page.md": b"mine",
            "sub/page.md": b"mine",
        }
    calls, opened = hook.calls, _descriptors()
    for at in range(calls):
        shutil.rmtree(ground / "docs")
        shutil.copytree(kept, ground / "docs")
        hook.calls, hook.at, hook.swap = 0, at, lambda: swap(ground)
        with hook.laid():
            found = sent(source_of(ground, follow_symlinks=follow))
        assert set(found.values()) <= {b"mine"}, (at, found)
    assert calls > 20
    assert _descriptors() <= opened  # what other tests left open may be closed by now


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("follow", [False, True])
def test_a_folder_that_flickers_is_never_left(ground: Path, follow: bool) -> None:
    """A real race: another thread swaps page and folder for links as fast as it can."""
    page, sub = ground / "docs" / "sub" / "page.md", ground / "docs" / "sub"
    link, real = ground / "link", ground / "real"
    ended = threading.Event()
    swapped = 0

    def flicker() -> None:
        nonlocal swapped
        while not ended.is_set():
            link.symlink_to(ground / "outside" / "page.md")
            page.rename(real)
            link.rename(page)
            real.rename(page)
            sub.rename(ground / "moved")
            sub.symlink_to(ground / "outside" / "sub")
            sub.unlink()
            (ground / "moved").rename(sub)
            swapped += 1

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        end = time.process_time() + 1.0
        passes = 0
        while time.process_time() < end:
            source = source_of(ground, follow_symlinks=follow)
            assert set(sent(source).values()) <= {b"mine"}
            with source.open("sub/page.md") as payload:
                assert isinstance(payload, Unknown) or payload.read() == b"mine"
            passes += 1
    finally:
        ended.set()
        thread.join()
    assert passes > 20
    assert swapped > 20


# -- what has no end -------------------------------------------------------------------------------


def test_a_file_that_grows_while_it_is_read_ends(ground: Path) -> None:
    page = ground / "docs" / "page.md"
    source = source_of(ground)
    with source.open("page.md") as payload:
        assert not isinstance(payload, Unknown)
        read = b""
        while block := payload.read(2):
            read += block
            with page.open("a") as more:
                more.write("and on")
        assert read == b"mine"
        assert payload.torn()


def test_a_sparse_terabyte_is_skipped_unread(ground: Path) -> None:
    with (ground / "docs" / "huge.md").open("wb") as file:
        file.truncate(1 << 40)
    with bounded(seconds=2, mebibytes=20):
        assert set(sent(source_of(ground))) == {"page.md", "sub/page.md"}


def test_a_sparse_gibibyte_is_hashed_in_little_memory(ground: Path) -> None:
    with (ground / "docs" / "page.md").open("wb") as file:
        file.truncate(1 << 28)
    source = source_of(ground, max_file_size=1 << 30, convert="none")
    with bounded(seconds=10, mebibytes=20):
        assert source.read("page.md") is not None


def test_stars_in_an_ignore_file_cost_no_time(ground: Path) -> None:
    """An ignore file comes with the folder: who fills it may write one."""
    patterns = ["*a" * 30 + "b", "**/a" * 12 + "/b", "a?*" * 20 + "b", "[ab]*" * 20 + "c", "*" * 99]
    (ground / "docs" / ".kbsyncignore").write_text("\n".join(patterns[:4]))
    deep = ground / "docs" / "/".join(["a"] * 40)
    deep.mkdir(parents=True)
    for place in (ground / "docs", deep):
        (place / ("a" * 250 + ".md")).write_text("mine")
    with bounded(seconds=2, mebibytes=20):
        assert len(sent(source_of(ground))) == 4


# -- the whole command -----------------------------------------------------------------------------


def odd_entries(docs: Path) -> None:
    """Fill a source with everything that is no file, or none that may be read."""
    os.mkfifo(docs / "pipe.md")
    (docs / "loop.md").symlink_to("loop.md")
    (docs / "around").symlink_to(".")
    (docs / "out.md").symlink_to(docs.parent / "outside" / "page.md")
    (docs / "out").symlink_to(docs.parent / "outside")
    (docs / "system.md").symlink_to("/proc/self/environ")
    (docs / "zeros.md").symlink_to("/dev/zero")
    (docs / "folder.md").mkdir()
    with (docs / "huge.md").open("wb") as file:
        file.truncate(1 << 40)
    here = Path.cwd()
    os.chdir(docs)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket.md")
    finally:
        os.chdir(here)
    if os.geteuid() == 0:
        os.mknod(docs / "device.md", stat.S_IFCHR | 0o600, os.makedev(1, 5))


@pytest.mark.parametrize("follow", ["false", "true"])
def test_a_tree_of_odd_entries_is_mirrored_without_them(ground: Path, follow: str) -> None:
    odd_entries(ground / "docs")
    terminal = Terminal(ground)
    with served(ground) as url:
        (ground / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            "ledger: ./state/ledger.db\nmirrors: [{name: docs, source: ./docs, "
            f"knowledge_base: Docs, settle: 0s, follow_symlinks: {follow}}}]\n"
        )
        plan = json.loads(terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"create": 2}
        skipped = {each["path"]: each["code"] for each in plan["skipped"]}
        odd = {"pipe.md", "loop.md", "out.md", "system.md", "zeros.md", "huge.md", "socket.md"}
        assert odd <= set(skipped), skipped
        terminal.type("apply")
        assert terminal.read("docs", "list", "Docs")["total"] == 2
        assert SECRET not in terminal.type("chunks", "list", "Docs", "page.md")
        assert "page.md" not in terminal.type("search", SECRET).replace("\u2215page.md", "")
        terminal.type("apply")
        assert json.loads(terminal.type("plan", "--json"))["counts"] == {}
    (ground / "docs" / "huge.md").unlink()
