"""Limits of the process and the machine that a call to the system may meet, whatever it is about.

A file that cannot be opened because the process holds too many has no wrong rights, and a server
that cannot be connected to for the same reason is not away.
"""

from __future__ import annotations

import errno
import os
import re
import resource
from pathlib import Path

from kbsync.messages import Notice
from kbsync.messages import machine as say

# A database opens so many at once: itself, its log, its shared memory, its folder.
_A_FEW = 4
_MEMORY = frozenset({errno.ENOMEM, errno.ENOBUFS})
# What Python says of a thread, and the loader of a library, that the system has no room for.
_NO_THREAD = "can't start new thread"
_NO_ROOM = ("failed to map segment", os.strerror(errno.ENOMEM).lower())
# Linux: the most address space this process had, in KiB (proc_pid_status(5)).
_STATUS = Path("/proc/self/status")
_PEAK = re.compile(r"^VmPeak:\s+(\d+) kB", re.MULTILINE)
# What was asked for in vain does not count into the peak; a library may ask for as much at once.
_ASKED_FOR = 16 * 2**20


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
    """Return which limit an error that ends a verb comes from, None where it is none.

    Any error of a process that had all the memory it may have counts as lack of memory.
    """
    if isinstance(fault, BaseExceptionGroup):
        return next(filter(None, map(limit_behind, fault.exceptions)), None)
    if isinstance(fault, MemoryError) or _unmapped(fault):
        return say.OUT_OF_MEMORY()
    if isinstance(fault, RuntimeError) and str(fault) == _NO_THREAD:
        return say.OUT_OF_THREADS()
    limit = machine_limit(fault) if isinstance(fault, OSError) else None
    if limit is None and fault.__cause__ is not None:
        limit = limit_behind(fault.__cause__)
    return limit or (say.OUT_OF_MEMORY() if _at_the_limit_of_memory() else None)


def _at_the_limit_of_memory() -> bool:
    """Whether this process has had all the address space it may have.

    Python and its libraries then fail with any error, as with "error return without exception
    set", half-loaded modules, or none of the names a module has.
    """
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return False
    try:
        found = _PEAK.search(_STATUS.read_text())
    except (OSError, MemoryError):
        return True
    return found is not None and int(found[1]) * 1024 + _ASKED_FOR >= most


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
