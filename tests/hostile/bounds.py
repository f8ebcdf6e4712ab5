"""What a piece of hostile input may cost: seconds of the processor, and memory at its peak."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SELF = Path("/proc/self")


def peak(process: Path = SELF) -> int:
    """Return the most memory a process had so far, in KiB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", (process / "status").read_text())
    assert found is not None
    return int(found[1])


@contextmanager
def bounded(*, seconds: float, mebibytes: int) -> Iterator[None]:
    """Fail when the block takes more time of the processor, or grows this process more."""
    (SELF / "clear_refs").write_text("5")  # the peak begins anew
    before, began = peak(), time.process_time()
    yield
    used, grown = time.process_time() - began, (peak() - before) // 1024
    assert used < seconds, f"{used:.1f} s of the processor"
    assert grown < mebibytes, f"{grown} MiB more"
