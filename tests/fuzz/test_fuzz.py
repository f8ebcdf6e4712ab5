"""Each parser on its seeds and a few hundred drawn inputs; `make fuzz` takes any time."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .corpus import TARGETS
from .drawing import inputs
from .running import ROOT, Lines, drawn, feed
from .targets import Target

EACH = 150
BY_NAME = {each.name: each for each in TARGETS}


@pytest.mark.parametrize("name", BY_NAME)
def test_seeds(name: str) -> None:
    for each in BY_NAME[name].seeds:
        feed(BY_NAME[name], each)


@pytest.mark.parametrize("name", BY_NAME)
@settings(
    max_examples=EACH, suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors]
)
@given(data=st.data())
@pytest.mark.seconds(8)
def test_drawn(name: str, data: st.DataObject) -> None:
    feed(BY_NAME[name], data.draw(inputs(BY_NAME[name])))


def test_a_parser_that_trips_is_told_with_its_input() -> None:
    def trips(data: bytes) -> None:
        if b"**" in data:
            raise IndexError("a star too many")

    result = drawn(Target("stars", trips, (b"*",), (b"*",), ()), seconds=30)
    assert result.input == b"**"
    assert result.fault == "IndexError: a star too many"


def test_covered_lines_are_those_of_the_rooms() -> None:
    lines = Lines(("kbsync/planning/document_names.py",))
    with lines.noted():
        feed(BY_NAME["names"], b"a.md")
    assert len(lines.reached) > 20
    assert {file.rpartition("kbsync/")[2] for file, _ in lines.reached} == {
        "planning/document_names.py"
    }


@pytest.mark.seconds(7)
def test_the_program_says_what_it_did() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "2", "--target", "names", "--drawn"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "names" in done.stdout
    assert "inputs" in done.stdout
