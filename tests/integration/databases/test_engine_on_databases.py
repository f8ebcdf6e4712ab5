"""Every story of the engine that has a ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import engine
import pytest

# Suites that look into the ledger in memory itself, and long ones that ask a real one nothing new.
LEFT_OUT = {
    "test_bases",
    "test_keep_drawn",
    "test_keep_edits",
    "test_large_bases",
    "test_unanswered",
}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

for suite in sorted({each.name for each in pkgutil.iter_modules(engine.__path__)} - LEFT_OUT):
    stories = vars(import_module(f"engine.{suite}")) if suite.startswith("test_") else {}
    # What sets no stage has no ledger.
    for name, story in stories.copy().items() if "stage" in stories else ():
        if name.startswith("test_"):
            globals()[f"{suite}__{name}"] = story
