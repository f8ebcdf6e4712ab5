"""A real PostgreSQL for the tests: a cluster of its own, made and removed by them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def binaries() -> Path | None:
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


# Nothing of it has to outlive the machine, and its tables are small.
IN_A_HURRY = "fsync=off synchronous_commit=off full_page_writes=off jit=off autovacuum=off"


class Cluster:
    """A PostgreSQL of its own on a unix socket in a temporary folder; no port is opened."""

    def __init__(self, binaries: Path) -> None:
        self.binaries = binaries
        self._numbers = count(1)
        # Socket paths have at most 107 bytes, pytest's own folders can be longer.
        self.folder = Path(tempfile.mkdtemp(prefix="kbsync-pg-"))
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
        self._run(
            "initdb", "-D", "cluster", "-U", "kbsync", "-E", "UTF8", "--locale=C", "-A", "trust"
        )
        self.start()
        self.query("CREATE DATABASE kbsync", database="postgres")

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [*_unprivileged(), str(self.binaries / program), *arguments]

    def _run(self, program: str, *arguments: str) -> None:
        command = self._command(program, *arguments)
        log = self.folder / "commands.log"
        with log.open("ab") as output:
            done = subprocess.run(
                command, cwd=self.folder, stdout=output, stderr=output, timeout=60, check=False
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{log.read_text()[-2000:]}")

    def start(self) -> None:
        settings = f"listen_addresses='' unix_socket_directories={self.folder} {IN_A_HURRY}"
        options = " ".join(f"-c {each}" for each in settings.split())
        self._run("pg_ctl", "-D", "cluster", "-l", "server.log", "-w", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", "cluster", "-w", "-m", "fast", "stop")

    def query(self, sql: str, database: str = "kbsync") -> list[tuple[object, ...]]:
        import psycopg  # noqa: PLC0415

        address = f"host={self.folder} user=kbsync dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def dump(self, schema: str) -> str:
        """Return a schema with everything in it as SQL."""
        where = ("-h", str(self.folder), "-U", "kbsync", "kbsync")
        command = self._command("pg_dump", f"--schema={schema}", "--inserts", *where)
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=60, check=True
        )
        # Words for psql, which newer releases begin and end a dump with.
        return "\n".join(each for each in done.stdout.splitlines() if not each.startswith("\\"))

    def load(self, sql: str, database: str = "kbsync") -> None:
        """Run what `dump` returned."""
        self.query(sql, database)

    def url(self, schema: str, database: str = "kbsync") -> str:
        return f"postgresql://kbsync@/{database}?host={self.folder}&schema={schema}"

    def fresh(self) -> str:
        """Return the URL of a ledger that nobody else uses."""
        return self.url(f"test_{next(self._numbers)}")

    def emptied(self, schema: str) -> str:
        """Return the URL of a ledger that may have been used before, and is empty.

        Making the tables of a fresh one takes longer than most tests.
        """
        from kbsync.ledger.tables import META, METADATA  # noqa: PLC0415

        if self.query(f"SELECT 1 FROM pg_tables WHERE schemaname = '{schema}'"):
            tables = [each for each in reversed(METADATA.sorted_tables) if each is not META]
            rows = [f"DELETE FROM {schema}.{table}" for table in tables]
            numbers = f"ALTER SEQUENCE {schema}.journal_id_seq RESTART"
            self.query("; ".join([*rows, numbers, f"UPDATE {schema}.meta SET high_water = 0"]))
        return self.url(schema)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)


@contextmanager
def postgresql() -> Iterator[Cluster]:
    """Run one for as long as the context lasts.

    Raises:
        SystemExit: it is not installed.
    """
    found = binaries()
    if found is None:
        raise SystemExit("PostgreSQL is not installed. Next: apt-get install postgresql")
    running = Cluster(found)
    try:
        yield running
    finally:
        running.remove()
