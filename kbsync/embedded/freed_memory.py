"""What a large file took goes back to the system: a C library keeps it for the next one."""

from __future__ import annotations

import ctypes
from contextlib import suppress


def give_back() -> None:
    """Give free memory back, where the C library can: glibc has a call for it."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
