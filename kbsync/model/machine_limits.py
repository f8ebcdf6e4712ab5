"""Limits of the process and the machine that a call to the system may meet, whatever it is about.

A file that cannot be opened because the process holds too many has no wrong rights, and a server
that cannot be connected to for the same reason is not away.
"""

from __future__ import annotations

import errno
import os

from kbsync.messages import Notice
from kbsync.messages import machine as say

_MEMORY = frozenset({errno.ENOMEM, errno.ENOBUFS})


class MachineFault(OSError):  # noqa: N818 - faults of the machine, as elsewhere
    """A fault of the machine of which more is known than its number.

    Args:
        error: the fault.
        notice: what it is, and what has to be changed.
    """

    def __init__(self, error: OSError, notice: Notice) -> None:
        super().__init__(error.errno, error.strerror or str(error))
        self.notice = notice


def machine_limit(error: OSError) -> Notice | None:
    """Return which limit `error` is of, None where it is about what was asked for."""
    if isinstance(error, MachineFault):
        return error.notice
    if error.errno == errno.EMFILE:
        return say.OUT_OF_DESCRIPTORS()
    if error.errno == errno.ENFILE:
        return say.SYSTEM_OUT_OF_DESCRIPTORS()
    return say.OUT_OF_MEMORY() if error.errno in _MEMORY else None


def limit_now() -> Notice | None:
    """Return which limit keeps this process from opening any file, None where it may.

    For libraries that say only that something could not be opened.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return machine_limit(error)
    return None
