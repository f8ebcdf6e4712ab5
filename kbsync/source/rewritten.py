"""A text written anew before it is sent: in memory while it is short, else in a temporary file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO

from kbsync.messages import machine as say
from kbsync.messages.machine_limits import MachineFault, machine_limit
from kbsync.source.encoding import BLOCK
from kbsync.source.openat import os_reason


def rewritten(text: Iterator[str], encoding: str = "utf-8") -> IO[bytes]:
    """Return `text` in a file, at its end, as UTF-8 or in another `encoding`.

    Raises:
        MachineFault: there is no room for it.
    """
    sent = tempfile.SpooledTemporaryFile(max_size=BLOCK)  # noqa: SIM115 - the caller closes it
    try:
        for piece in text:
            _write(sent, piece.encode(encoding, "replace"))
        _write(sent, b"")
    except BaseException:
        sent.close()
        raise
    return sent


def _write(sent: IO[bytes], data: bytes) -> None:
    try:
        # What is only buffered may find no room when it is read.
        sent.write(data) if data else sent.flush()
    except OSError as error:
        if machine_limit(error):
            raise
        cause = os_reason(error)
        notice = say.NO_TEMPORARY_ROOM(folder=_folder(), cause=cause)
        raise MachineFault(error, notice) from error


def _folder() -> str:
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:  # none of those that are tried takes a file
        return os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - it is only named
