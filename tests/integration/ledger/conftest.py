"""A real SQLite file and a real PostgreSQL cluster: every store test runs on both."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from ledger_samples import bound

from kbsync.ledger import LedgerStore

_numbers = count(1)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _unprivileged() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


class Cluster:
    """A PostgreSQL of its own on a unix socket in a temporary folder; no port is opened."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # Socket paths have at most 107 bytes, pytest's own folders can be longer.
        self.folder = Path(tempfile.mkdtemp(prefix="kbsync-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._run(
            "initdb", "-D", "cluster", "-U", "kbsync", "-E", "UTF8", "--locale=C", "-A", "trust"
        )
        self.start()
        self.query("CREATE DATABASE kbsync", database="postgres")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*_unprivileged(), str(self._binaries / program), *arguments]
        log = self.folder / "commands.log"
        with log.open("ab") as output:
            done = subprocess.run(
                command, cwd=self.folder, stdout=output, stderr=output, timeout=60, check=False
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()[-2000:]}")

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder} -c fsync=off"
        self._run("pg_ctl", "-D", "cluster", "-l", "server.log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "cluster", "-w", "-m", "fast", "stop")

    def query(self, sql: str, database: str = "kbsync") -> list[tuple[object, ...]]:
        import psycopg  # noqa: PLC0415

        address = f"host={self.folder} user=kbsync dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(sql)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    def url(self, schema: str, database: str = "kbsync") -> str:
        return f"postgresql://kbsync@/{database}?host={self.folder}&schema={schema}"

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="install the extra: pip install 'kbsync[postgresql]'")
    binaries = _binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql (Debian package)")
    running = Cluster(binaries)
    yield running
    running.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a ledger may be made that nobody else uses."""
    if request.param == "sqlite":
        return str(tmp_path / "state" / "ledger.db")
    running: Cluster = request.getfixturevalue("cluster")
    return running.url(f"test_{next(_numbers)}")


Opener = Callable[..., LedgerStore]


@pytest.fixture
def opened(address: str) -> Iterator[Opener]:
    """Open the ledger at `address`; all are closed at the end."""
    stores: list[LedgerStore] = []

    def opener(**options: bool) -> LedgerStore:
        stores.append(LedgerStore.open(address, **options))
        return stores[-1]

    yield opener
    for each in reversed(stores):
        each.close()


@pytest.fixture
def store(opened: Opener) -> LedgerStore:
    """An empty ledger whose mirror `docs` is bound to the base `B`."""
    return bound(opened())
