"""The ledger of a story: a file beside its configuration, or a schema of a real PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from cluster import Cluster

FILE = "./state/ledger.db"


class Ledger(Protocol):
    """`address`: what the configuration says behind `ledger:`."""

    address: str

    def lose(self) -> None:
        """Let nothing be left of it."""

    def keep(self) -> None:
        """Put a copy of it away, as a backup would."""

    def put_back(self) -> None:
        """Let the kept copy stand where it was."""


class FileLedger:
    """A file of SQLite; a story's commands have ended whenever it is touched here."""

    address = FILE

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._kept = folder / "kept.db"

    def lose(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self._file.with_name(self._file.name + ending).unlink(missing_ok=True)

    def keep(self) -> None:
        log = self._file.with_name(self._file.name + "-wal")
        assert not log.exists() or not log.stat().st_size
        shutil.copyfile(self._file, self._kept)

    def put_back(self) -> None:
        self.lose()
        shutil.copyfile(self._kept, self._file)


class SchemaLedger:
    """A schema of the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.address = cluster.fresh()
        self._cluster = cluster
        self._schema = self.address.rpartition("schema=")[2]
        self._kept = ""

    def lose(self) -> None:
        self._cluster.query(f'DROP SCHEMA "{self._schema}" CASCADE')

    def keep(self) -> None:
        self._kept = self._cluster.dump(self._schema)

    def put_back(self) -> None:
        self.lose()
        self._cluster.load(self._kept)
