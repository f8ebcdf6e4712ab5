"""Every story of the engine that has a ledger, on SQLite and on PostgreSQL."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import engine
import pytest

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

for suite in sorted(each.name for each in pkgutil.iter_modules(engine.__path__)):
    stories = vars(import_module(f"engine.{suite}")) if suite.startswith("test_") else {}
    # What sets no stage has no ledger.
    for name, story in stories.copy().items() if "stage" in stories else ():
        if name.startswith("test_"):
            globals()[f"{suite}__{name}"] = story
