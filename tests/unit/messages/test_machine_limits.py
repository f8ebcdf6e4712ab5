"""Which limit of the process an error comes from."""

from __future__ import annotations

import subprocess
import sys

# What Python says where a library could not be loaded for want of memory.
FAILING = """
import resource
from kbsync.messages.machine_limits import limit_behind
fault = SystemError("error return without exception set")
assert limit_behind(fault) is None
most = {kibibytes} * 1024
resource.setrlimit(resource.RLIMIT_AS, (most, most))
taken = []
try:
    while {until_it_fails}:
        taken.append(bytearray(2**20))
except MemoryError:
    taken.clear()
limit = limit_behind(fault)
print("none" if limit is None else limit.message.code)
"""


def said(*, until_it_fails: bool) -> str:
    program = FAILING.format(kibibytes=600_000, until_it_fails=until_it_fails)
    words = [sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_any_error_of_a_process_that_had_all_its_memory_is_of_memory() -> None:
    assert said(until_it_fails=True) == "KB-M177"


def test_an_error_of_a_process_that_had_less_is_what_it_says() -> None:
    assert said(until_it_fails=False) == "none"
