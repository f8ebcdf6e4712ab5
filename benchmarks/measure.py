"""One command measured, and several in turn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.figures import Cost

ROOT = Path(__file__).parents[1]
LAUNCHER = Path(__file__).with_name("launcher.py")
MINUTES = 60 * 60.0


class FailedError(RuntimeError):
    """A command that is measured ended in a way it should not."""


def cost_of(
    command: Sequence[str],
    cwd: Path,
    *,
    env: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> Cost:
    """Run a command to its end and return what it and its children cost.

    Args:
        env: variables beside those of this process.
        codes: exit codes that are fine.

    Raises:
        FailedError: it ended with another code.
    """
    with tempfile.TemporaryDirectory() as folder:
        report, output = Path(folder, "report"), Path(folder, "output")
        words = [sys.executable, "-I", "-S", str(LAUNCHER), str(report), *command]
        with output.open("wb") as file:
            subprocess.run(
                words,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=MINUTES,
                check=True,
            )
        wall, cpu, peak, code = report.read_text("ascii").split()
        if int(code) not in codes:
            said = output.read_text("utf-8", "replace")[-2000:]
            raise FailedError(f"{' '.join(command)} ended with {code}:\n{said}")
    return Cost(float(wall), float(cpu), int(peak) / 1024)


def in_turn(
    contenders: Mapping[str, Callable[[], Cost]], runs: int, *, warm: bool = True
) -> dict[str, list[Cost]]:
    """Run each contender `runs` times: from the first to the last, then from the last to the first.

    Args:
        warm: run each once before, which is not counted.
    """
    if warm and runs > 1:
        for run in contenders.values():
            run()
    costs: dict[str, list[Cost]] = {name: [] for name in contenders}
    for number in range(runs):
        for name in list(contenders)[:: -1 if number % 2 else 1]:
            costs[name].append(contenders[name]())
    return costs


def cpu_of(pid: int) -> float:
    """Return the CPU seconds that a running process took so far, exact to the microsecond."""
    # The clock of another process: the complement of its id, and 2 for what the scheduler counts.
    return time.clock_gettime((~pid << 3) | 2)


def peak_of(pid: int) -> float:
    """Return the MiB of memory that a running process took at most, as the kernel remembers it."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    line = next(each for each in status.splitlines() if each.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024
