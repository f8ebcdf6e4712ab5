"""Where a daemon listens: a socket beside the ledger, so that the same users may reach both."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from kbsync.app.lent_socket import address_at
from kbsync.config.types import LedgerAddress
from kbsync.messages import Notice
from kbsync.messages import daemon as say

# What a socket's address holds, without its closing zero.
LONGEST = 107 if sys.platform == "linux" else 103


class Place(Protocol):
    """What says where a daemon listens: settings, or as much of them as can be read."""

    @property
    def file(self) -> Path:
        """The configuration file."""
        ...

    @property
    def ledger(self) -> LedgerAddress:
        """Where the ledger is."""
        ...

    @property
    def state(self) -> Path:
        """The folder of what kbsync keeps on this machine."""
        ...


def socket_of(settings: Place) -> Path:
    """Return where the daemon of these settings listens, or leaves a link to where it does.

    A ledger's file has one writer, so it has one socket; a database's is in the state folder.
    """
    path = settings.ledger.path
    if path is None:
        return settings.state / "daemon.sock"
    return Path(f"{os.path.realpath(path)}.sock")


def found(settings: Place) -> str | None:
    """Return the address to ask at, None when no daemon ever listened."""
    return address_at(socket_of(settings))


def claim(path: Path) -> str:
    """Return the address to listen at; what is left of a dead daemon is removed.

    An address that is too long for a socket gets a short one in the user's runtime folder, and
    `path` becomes a link to it.

    Args:
        path: as `socket_of` returns; the process that holds the ledger may claim it.

    Raises:
        OSError: neither can be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _remove(path)
    address = str(path)
    if len(os.fsencode(address)) > LONGEST:
        address = _short(path)
        _remove(Path(address))
        path.symlink_to(address)
    return address


class SocketFile:
    """The socket as it is named now, or the link to it.

    Args:
        path: its name.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode = self._found()

    @property
    def is_gone(self) -> bool:
        """Whether the name leads to another one, or nowhere."""
        return self._found() != self._inode

    def remove(self) -> None:
        """Remove it; what another process put in its place stays."""
        if not self.is_gone:
            _remove(self._path)

    def _found(self) -> tuple[int, int] | None:
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino


def try_socket(settings: Place) -> None:
    """Try whether a daemon could listen, in a folder that is there; nothing stays.

    Raises:
        OSError: it could not.
    """
    path = socket_of(settings)
    _require_removable(path)
    if len(os.fsencode(path)) > LONGEST:
        _short(path)
        return
    with TemporaryDirectory(prefix=".kbsync-trial-", dir=path.parent) as folder:
        beside = Path(folder) / "s"
        # As long as the real one at most: some file systems hold no sockets.
        if len(os.fsencode(beside)) <= LONGEST:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
                trial.bind(str(beside))


def _remove(path: Path) -> None:
    _require_removable(path)
    with suppress(FileNotFoundError):
        path.unlink()


def _require_removable(path: Path) -> None:
    """Check that nothing is there which a daemon did not make."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_size):
        raise FileExistsError(errno.EEXIST, "something else has this name", str(path))


def not_made(path: Path, error: OSError) -> Notice:
    """Return why no socket stands at a path: the path itself, where it is too long for one."""
    why, length = error.strerror or str(error), len(os.fsencode(path))
    if length > LONGEST and error.filename != str(path):  # else something else stands there
        return say.SOCKET_TOO_LONG(path=path, length=length, longest=LONGEST, why=why)
    return say.NO_SOCKET(path=path, folder=path.parent, why=why)


def _short(path: Path) -> str:
    # 3 ms that `status`, the health check, need not pay for a path that is rarely too long.
    import platformdirs  # noqa: PLC0415

    with warnings.catch_warnings():  # another place than the usual one serves as well
        warnings.simplefilter("ignore")
        folder = platformdirs.user_runtime_path("kbsync", appauthor=False)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for each in (folder, folder.parent):
        _require_ours(each)
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return str(folder / f"{name}.sock")


def _require_ours(folder: Path) -> None:
    """Check that no other user can put a socket there."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid()):
        raise PermissionError(1, "it belongs to another user", str(folder))
    if found.st_mode & 0o022:
        raise PermissionError(1, "others may write there", str(folder))
