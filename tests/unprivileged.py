"""Being a user whom the system refuses something, though the tests run as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

NOBODY = 65534


@contextmanager
def folder_of_nobody() -> Iterator[Path]:
    """Lend a folder that the unprivileged user owns, and whose parents it may pass."""
    with TemporaryDirectory(prefix="kbsync-") as name:
        if os.geteuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody; whoever is not root stays who they are.

    Nothing can be imported that only root may read: load it before.
    """
    if os.geteuid() != 0:
        yield
        return
    os.setresuid(NOBODY, NOBODY, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
