"""The socket on which a daemon lends the embedded knowledge base that it has open."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

# Seconds; a daemon that is alive takes a connection at once.
PATIENCE = 5.0


def socket_beside(data: Path) -> Path:
    """Return where a daemon that has this data file open lends it, or leaves a link to where."""
    return Path(f"{os.path.realpath(data)}.sock")


def address_at(path: Path) -> str | None:
    """Return the address of the socket that `path` is or leads to; None when nothing is there."""
    with suppress(OSError):
        return str(path.readlink())
    return str(path) if os.path.lexists(path) else None


def lent_at(data: Path) -> str | None:
    """Return the address where this data file is lent now; None when no process does."""
    address = address_at(socket_beside(data))
    if address is None:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(PATIENCE)
        try:
            trial.connect(address)
        except OSError:  # its process is dead, or belongs to another user
            return None
    return address
