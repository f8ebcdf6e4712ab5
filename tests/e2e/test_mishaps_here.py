"""Mishaps of this machine, the key, the base and the server: what every verb says of each."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from mishaps import VERBS, Mishap, Place
from typing_commands import KEY, served
from unprivileged import folder_of_nobody, unprivileged

from kbsync.ledger import LedgerStore

Happens = Callable[[Place, ExitStack], object]


def alike(answer: str, **others: str) -> dict[str, str]:
    """Return what is said when every verb says `answer`, but for `others`."""
    return dict.fromkeys(VERBS, answer) | others


# -- the ledger's place --------------------------------------------------------------------------


def ledger(address: str) -> Happens:
    return lambda place, stack: place.configure(ledger=address)


def a_file_as_folder(place: Place, stack: ExitStack) -> None:
    (place.folder / "state").write_text("a file")


def a_folder_as_ledger(place: Place, stack: ExitStack) -> None:
    (place.folder / "state" / "ledger.db").mkdir(parents=True)


def no_database(place: Place, stack: ExitStack) -> None:
    (place.folder / "state").mkdir()
    (place.folder / "state" / "ledger.db").write_text("words, and more words\n" * 100)


def another_database(place: Place, stack: ExitStack) -> None:
    (place.folder / "state").mkdir()
    with closing(sqlite3.connect(place.folder / "state" / "ledger.db")) as other:
        other.execute("CREATE TABLE theirs (name)")


def a_folder_as_lock(place: Place, stack: ExitStack) -> None:
    (place.folder / "state" / "ledger.db.lock").mkdir(parents=True)


def in_use(place: Place, stack: ExitStack) -> None:
    stack.enter_context(LedgerStore.open(place.folder / "state" / "ledger.db"))


def mounted(options: str, *, full: bool = False, read_only: bool = False) -> Happens:
    """Put the ledger on a disk of its own."""

    def happens(place: Place, stack: ExitStack) -> None:
        disk = place.folder / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
        if subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")
        stack.callback(subprocess.run, ["umount", str(disk)], check=True)
        place.configure(ledger="./disk/ledger.db")
        if full:
            fill(disk / "ballast")
        if read_only:
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)

    return happens


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass


def no_inodes(place: Place, stack: ExitStack) -> None:
    mounted("size=8m,nr_inodes=3")(place, stack)
    for number in range(2):
        (place.folder / "disk" / f"{number}").touch()


def closed_folder(place: Place, stack: ExitStack) -> None:
    (place.folder / "state").mkdir(mode=0o500)


# -- the source, the socket, packages ------------------------------------------------------------


def no_source(place: Place, stack: ExitStack) -> None:
    (place.folder / "docs" / "page.md").unlink()
    (place.folder / "docs").rmdir()


def a_folder_as_socket(place: Place, stack: ExitStack) -> None:
    (place.folder / "state" / "ledger.db.sock").mkdir(parents=True)


def a_file_as_socket(place: Place, stack: ExitStack) -> None:
    (place.folder / "state").mkdir()
    (place.folder / "state" / "ledger.db.sock").write_text("somebody's notes")


def no_short_socket(place: Place, stack: ExitStack) -> None:
    """A path that is too long for a socket, and no runtime folder for a short one."""
    (place.folder / "run").mkdir(mode=0o700)
    (place.folder / "run" / "kbsync").write_text("a file")
    place.configure(ledger=f"./{'long/' * 20}ledger.db")
    stack.enter_context(patch.dict("os.environ", XDG_RUNTIME_DIR=str(place.folder / "run")))


def no_embedded_extra(place: Place, stack: ExitStack) -> None:
    stack.enter_context(patch.dict(sys.modules, {"kbsync.embedded.asgi_app": None}))
    stack.enter_context(patch.dict("kbsync.embedded.__dict__"))


def no_driver(place: Place, stack: ExitStack) -> None:
    place.configure(ledger="postgresql://kbsync@localhost/kbsync")
    stack.enter_context(patch("kbsync.ledger.location.find_spec", return_value=None))


# -- servers -------------------------------------------------------------------------------------

FOR_ALL = "{name: Docs, permission: all_team_members}"
SERVER = '{{url: "{url}", api_key: {key}}}'


def with_server(*words: str, key: str = KEY, base: str = "Docs", more: str = "") -> Happens:
    """Run a server of its own, which has its faults from the beginning."""

    def happens(place: Place, stack: ExitStack) -> None:
        url = stack.enter_context(served(place.folder, *words))
        place.configure(SERVER.format(url=url, key=key), base=base, more=more)

    return happens


def two_hours_ahead(place: Place, stack: ExitStack) -> None:
    with_server(base=FOR_ALL)(place, stack)
    ahead = SimpleNamespace(time=lambda: time.time() + 7200)
    stack.enter_context(patch("kbsync.cli.doctor.servers.time", ahead))


MISHAPS = (
    Mishap(
        name="no configuration",
        happens=lambda place, stack: place.file.unlink(),
        says=alike("64 KB-C001"),
        names=("kbsync.yaml",),
    ),
    Mishap(
        name="a ledger that cannot be made",
        happens=ledger("/proc/nope/ledger.db"),
        says=alike("64 KB-L006"),
        names=("/proc/nope",),
    ),
    Mishap(
        name="a file where the ledger's folder should be",
        happens=a_file_as_folder,
        says=alike("64 KB-L006"),
        names=("/state",),
    ),
    Mishap(
        name="a folder where the ledger should be",
        happens=a_folder_as_ledger,
        says=alike("64 KB-L004", validate="64 KB-C074", doctor="64 KB-C074"),
        names=("ledger.db", "folder"),
    ),
    Mishap(
        name="a ledger that is no database",
        happens=no_database,
        says=alike("64 KB-L023"),
        names=("ledger.db",),
    ),
    Mishap(
        name="another program's database",
        happens=another_database,
        says=alike("64 KB-L025"),
        names=("ledger.db",),
    ),
    Mishap(
        name="a folder where the lock should be",
        happens=a_folder_as_lock,
        says=alike("1 KB-L022", validate="64 KB-L022"),
        names=("ledger.db.lock",),
    ),
    Mishap(
        name="a ledger in use",
        happens=in_use,
        says=alike("1 KB-L021", validate="0", doctor="0 KB-D034"),
        names=("ledger.db", "process"),
    ),
    Mishap(
        name="a full disk",
        happens=mounted("size=1m", full=True),
        says=alike("1 KB-L040", validate="64 KB-L040"),
        names=("disk/ledger.db", "df -h"),
    ),
    Mishap(
        name="no inodes",
        happens=no_inodes,
        says=alike("1 KB-L197", validate="64 KB-L197"),
        names=("disk/ledger.db", "inodes", "df -i"),
    ),
    Mishap(
        name="a disk mounted for reading",
        happens=mounted("size=1m", read_only=True),
        says=alike("64 KB-L007"),
        names=("disk/ledger.db", "Read-only"),
    ),
    Mishap(
        name="no source",
        happens=no_source,
        says=alike("3 KB-E029", validate="64 KB-C070", doctor="64 KB-C070", run="0 KB-E029"),
        names=("docs",),
    ),
    Mishap(
        name="a folder where the socket should be",
        happens=a_folder_as_socket,
        says=alike("0 KB-K007", plan="2", apply="0"),
        names=("ledger.db.sock",),
    ),
    Mishap(
        name="a file where the socket should be",
        happens=a_file_as_socket,
        says=alike("0 KB-K007", plan="2", apply="0"),
        names=("ledger.db.sock",),
    ),
    Mishap(
        name="no place for a socket",
        happens=no_short_socket,
        says=alike("0 KB-K390", plan="2", apply="0"),
        names=("ledger.db.sock",),
    ),
    Mishap(
        name="the embedded base without its packages",
        happens=no_embedded_extra,
        says=alike("64 KB-V022"),
        names=("embedded", "pip install"),
    ),
    Mishap(
        name="PostgreSQL without its driver",
        happens=no_driver,
        says=alike("64 KB-L009"),
        names=("psycopg", "pip install"),
    ),
    Mishap(
        name="PostgreSQL that is not there",
        happens=ledger("postgresql://kbsync@/kbsync?host=/proc/nope"),
        says=alike("1 KB-L043", validate="64 KB-L043"),
        names=("/proc/nope",),
    ),
    Mishap(
        name="a key of another",
        happens=with_server(key="dataset-of-another"),
        says=alike("5 KB-R001", run="0 KB-R001"),
        names=("key",),
    ),
    Mishap(
        name="a base that is not there",
        happens=with_server(base="{id: 00000000-0000-4000-8000-000000000000}"),
        says=alike("5 KB-E063", run="0 KB-E063"),
        names=("00000000-0000-4000-8000-000000000000",),
    ),
    Mishap(
        name="no model for embeddings",
        happens=with_server(
            "--quirk", "no-models", more=", chunking: {indexing_technique: high_quality}"
        ),
        says=alike("5 KB-R018", run="0 KB-R018"),
        names=("model",),
    ),
    Mishap(
        name="a subscription that is full",
        happens=with_server("--quirk", "document-limit=0", base=FOR_ALL),
        says=alike("0", plan="2", apply="3 KB-E123", run="0"),
        names=("limit of your subscription", "new documents"),
    ),
    Mishap(
        name="a server that is too old",
        happens=with_server("--quirk", "version=0.3.0"),
        says=alike("5 KB-R048", run="0 KB-R048"),
        names=("0.3.0",),
    ),
    Mishap(
        name="a clock that is wrong",
        happens=two_hours_ahead,
        says=alike("0", doctor="0 KB-D010", plan="2", apply="0"),
        names=("clock",),
    ),
)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_mishap(mishap: Mishap, tmp_path: Path, stack: ExitStack) -> None:
    mishap.check(Place(tmp_path), stack)


def test_a_folder_that_another_user_owns(stack: ExitStack, tmp_path: Path) -> None:
    (tmp_path / "warm").mkdir()
    warm = Place(tmp_path / "warm")
    for verb in VERBS:  # whatever is loaded is loaded as root
        warm.says(verb)
    folder = stack.enter_context(folder_of_nobody())
    stack.enter_context(unprivileged())
    mishap = Mishap(
        name="a folder that takes no files",
        happens=closed_folder,
        says=alike("64 KB-L007"),
        names=("ledger.db", "denied"),
    )
    mishap.check(Place(folder), stack)
