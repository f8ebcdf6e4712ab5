"""How many bytes of a file are read, by whichever descriptor."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest


class CountedReads:
    """Counts what `os.pread` and `os.read` return, by inode, from its making on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._bytes: Counter[int] = Counter()
        pread, read = os.pread, os.read

        def counted_pread(fd: int, size: int, at: int) -> bytes:
            return self._counted(fd, pread(fd, size, at))

        def counted_read(fd: int, size: int) -> bytes:
            return self._counted(fd, read(fd, size))

        monkeypatch.setattr(os, "pread", counted_pread)
        monkeypatch.setattr(os, "read", counted_read)

    def _counted(self, fd: int, block: bytes) -> bytes:
        self._bytes[os.fstat(fd).st_ino] += len(block)
        return block

    def whole(self, file: Path) -> float:
        """How often `file` was read whole, partial reads added up."""
        found = file.stat()
        return self._bytes[found.st_ino] / found.st_size
