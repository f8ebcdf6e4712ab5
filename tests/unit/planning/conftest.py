"""Every combination, decided once for all tests that go through them."""

from __future__ import annotations

import pytest

from kbsync.planning.decide import decide

from .combinations import Decided, all_cases


@pytest.fixture(scope="package")
def everything() -> Decided:
    """Every case without an intent, and what is decided about it."""
    return [(each, decide(each)) for each in all_cases()]
