"""Limits of the process and the machine that a call to the system may meet, whatever it is about.

A file that cannot be opened because the process holds too many has no wrong rights, and a server
that cannot be connected to for the same reason is not away.
"""

from __future__ import annotations

import errno
import os

from kbsync.messages import Notice
from kbsync.messages import machine as say

# A database opens so many at once: itself, its log, its shared memory, its folder.
_A_FEW = 4
_MEMORY = frozenset({errno.ENOMEM, errno.ENOBUFS})
# What Python says of a thread, and the loader of a library, that the system has no room for.
_NO_THREAD = "can't start new thread"
_NO_ROOM = ("failed to map segment", os.strerror(errno.ENOMEM).lower())


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


def limit_behind(fault: BaseException) -> Notice | None:
    """Return which limit an error that ends a verb comes from, None where it is none."""
    if isinstance(fault, BaseExceptionGroup):
        return next(filter(None, map(limit_behind, fault.exceptions)), None)
    if isinstance(fault, MemoryError) or _unmapped(fault):
        return say.OUT_OF_MEMORY()
    if isinstance(fault, RuntimeError) and str(fault) == _NO_THREAD:
        return say.OUT_OF_THREADS()
    limit = machine_limit(fault) if isinstance(fault, OSError) else None
    return limit or (limit_behind(fault.__cause__) if fault.__cause__ else None)


def _unmapped(fault: BaseException) -> bool:
    """Whether a library could not be loaded because there was no memory for it."""
    return isinstance(fault, ImportError) and any(each in str(fault) for each in _NO_ROOM)


def limit_now() -> Notice | None:
    """Return which limit keeps this process from opening a few files more, None where it may.

    For libraries that say only that something could not be opened.
    """
    opened: list[int] = []
    try:
        for _ in range(_A_FEW):
            opened.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return machine_limit(error)
    finally:
        for each in opened:
            os.close(each)
    return None
