"""Fifty drawn histories in every run of the tests; `make sim N=10000` plays any number."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .history import play
from .playing import LONGEST, fails
from .program import NUMBERS, Program, Step
from .runs import RULES, TRIALS, WEIGHTS

SHARES, EACH = 5, 10
STEPS = st.builds(Step, st.sampled_from(sorted(RULES)), st.integers(0, NUMBERS - 1))
PROGRAMS = st.builds(
    Program, st.integers(0, NUMBERS - 1), st.lists(STEPS, max_size=LONGEST).map(tuple)
)
REPLAY = """
import hashlib, sys
from pathlib import Path
from tests.sim.history import play
from tests.sim.program import Program
place, empty, *programs = sys.argv[1:]
for number, program in enumerate(programs):
    ledgers = Path(place, str(number))
    ledgers.mkdir(parents=True)
    trace = play(Program.parsed(program), ledgers, Path(empty)).trace
    print(hashlib.sha256("\\n".join(trace).encode()).hexdigest())
"""


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.seconds(5)
def test_drawn_histories_keep_every_promise(share: int, empty: Path, tmp_path: Path) -> None:
    for seed in range(share * EACH, (share + 1) * EACH):
        program = Program.drawn(seed, WEIGHTS, LONGEST, TRIALS)
        broken = fails(program, tmp_path, empty)
        assert broken is None, f"{broken}\npython -m tests.sim --program '{program}'"


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(PROGRAMS)
def test_histories_of_even_weights_keep_every_promise(
    empty: Path, tmp_path: Path, program: Program
) -> None:
    broken = fails(program, tmp_path, empty)
    assert broken is None, f"{broken}\npython -m tests.sim --program '{program}'"


KEPT = Program.parsed("7 keep:1 calm_keep:5 keep:9 rival:3")


@pytest.mark.parametrize("program", [Program.drawn(3, WEIGHTS, LONGEST), KEPT], ids=["3", "kept"])
def test_the_same_program_leaves_the_same_trace(
    program: Program, empty: Path, tmp_path: Path
) -> None:
    traces = []
    for time in ("once", "twice"):
        place = tmp_path / time
        place.mkdir()
        traces.append(play(program, place, empty).trace)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 20


@pytest.mark.seconds(8)
def test_traces_do_not_depend_on_the_hash_seed(empty: Path, tmp_path: Path) -> None:
    programs = [str(Program.drawn(8, WEIGHTS, LONGEST)), str(KEPT)]
    found = set()
    for seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", REPLAY, str(tmp_path / "ledgers"), str(empty), *programs],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert len(ran.stdout.split()) == len(programs)
        found.add(ran.stdout)
        shutil.rmtree(tmp_path / "ledgers")
    assert len(found) == 1


@given(PROGRAMS)
def test_a_program_is_written_and_parsed_again(program: Program) -> None:
    assert Program.parsed(str(program)) == program
