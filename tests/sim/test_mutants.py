"""Every promise that is taken out of kbsync is missed by some history."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mutants import MUTANTS, Mutant, hunted
from .playing import fails

# Each begins at a history that meets it; a change of the engine may move that on.
MOST = 60


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_it_dies_of_a_history_that_kbsync_survives(
    mutant: Mutant, empty: Path, tmp_path: Path
) -> None:
    took, _ = hunted(mutant, tmp_path, empty, most=MOST, seed=mutant.seed)
    assert took
    program = mutant.program(mutant.seed + took - 1)
    assert fails(program, tmp_path, empty) is None
