"""A target fed for a bounded time: guided by coverage where atheris is, drawn at random else."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from .drawing import inputs
from .targets import Target

ROOT = Path(__file__).parents[2]
SLOWEST = 5.0  # seconds of the processor for one input
AT_ONCE = 200
QUIET = settings(
    database=None,
    deadline=None,
    max_examples=AT_ONCE,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


class SlowError(AssertionError):
    """An input that takes too long."""


@dataclass
class Fuzzed:
    """What became of one target. `unit`: what `covered` counts."""

    executions: int = 0
    covered: int = 0
    unit: str = "lines"
    input: bytes | None = None
    fault: str = ""


def guided_here() -> bool:
    return find_spec("atheris") is not None


# -- guided --------------------------------------------------------------------------------------


def guided(target: Target, seconds: float, out: Path) -> Fuzzed:
    """Feed `target` under atheris; what it trips over is left in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", target.name, f"{seconds:.0f}", str(out)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=seconds + 120,
        check=False,
    )
    said = done.stdout + done.stderr
    result = Fuzzed(unit="branches")
    result.executions = _last(r"stat::number_of_executed_units:\s*(\d+)", said)
    result.covered = _last(r" cov: (\d+)", said)
    found = [each for each in out.iterdir() if re.match("(crash|timeout|oom|leak)-", each.name)]
    if found or done.returncode:
        result.input = found[0].read_bytes() if found else b""
        _, caught, trace = said.partition("Uncaught Python exception")
        result.fault = trace.partition("ERROR: libFuzzer")[0][:4000] if caught else said[-2000:]
    return result


def _last(pattern: str, said: str) -> int:
    return int((re.findall(pattern, said) or [0])[-1])


# -- drawn ---------------------------------------------------------------------------------------


@dataclass
class Lines:
    """The lines of some modules that were reached."""

    rooms: tuple[str, ...]
    reached: set[tuple[str, int]] = field(default_factory=set)
    _ours: dict[CodeType, bool] = field(default_factory=dict)

    @contextmanager
    def noted(self) -> Iterator[None]:
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = any(room in code.co_filename for room in self.rooms)
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        self.reached.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def feed(target: Target, data: bytes) -> None:
    """Feed one input.

    Raises:
        SlowError: it took too long; and whatever the target raises.
    """
    began = time.process_time()
    target.feed(data)
    if (used := time.process_time() - began) > SLOWEST:
        raise SlowError(f"{used:.1f} s for {len(data)} bytes")


def drawn(target: Target, seconds: float) -> Fuzzed:
    """Feed `target` its seeds, and then what Hypothesis draws, until the time is up."""
    result, lines = Fuzzed(), Lines(target.rooms)
    end = time.monotonic() + seconds

    def take(data: bytes) -> None:
        if result.input is None and time.monotonic() > end:
            return
        result.executions += 1
        try:
            feed(target, data)
        except BaseException as fault:
            result.input, result.fault = data, f"{type(fault).__name__}: {fault}"
            raise

    try:
        with lines.noted():
            for each in target.seeds:
                take(each)
            for number in count():
                if time.monotonic() > end:
                    break
                seed(number)(QUIET(given(inputs(target))(take)))()
    except Exception:
        assert result.input is not None
    result.covered = len(lines.reached)
    return result
