"""Run a command of kbsync under the profiler and write down where its CPU went.

    PYTHON -I benchmarks/profile_run.py REPORT WORDS…

Run by the Python of the version that is looked at. REPORT gets JSON: seconds of CPU by part. What
is built in counts for whoever calls it; what other threads took is what the process took beside.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

# Libraries that do one thing together.
PARTS = {
    "HTTP": {"httpx", "httpcore", "h11", "aiohttp", "httpx_aiohttp", "multidict", "yarl", "ssl.py"},
    "event loop": {"anyio", "asyncio", "selectors.py", "sniffio"},
    "SQL": {"sqlalchemy", "sqlite3", "alembic"},
    "pydantic": {"pydantic", "pydantic_core"},
    "patterns": {"re", "sre_compile.py", "sre_parse.py"},
    "making classes": {
        "dataclasses.py",
        "typing.py",
        "typing_extensions.py",
        "typing_inspection",
        "enum.py",
        "inspect.py",
        "<frozen abc>",
        "<string>",
        "collections",
        "functools.py",
        "weakref.py",
        "textwrap.py",
    },
}
IMPORTS = "imports"


def main() -> None:
    """Profile the command and write the report, whatever its exit code is."""
    report, sys.argv = Path(sys.argv[1]), ["kbsync", *sys.argv[2:]]
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    try:
        # Its import is part of what a command costs.
        from kbsync.cli import main as kbsync  # noqa: PLC0415

        kbsync()
    except SystemExit:
        pass
    finally:
        profile.disable()
        parts = parts_of(pstats.Stats(profile))
        parts["other threads"] = max(0.0, time.process_time() - time.thread_time())
        report.write_text(json.dumps(parts))


def parts_of(stats: pstats.Stats) -> dict[str, float]:
    """Return seconds by part, the largest first."""
    parts: Counter[str] = Counter()
    whole: dict[tuple[str, int, str], tuple[Any, ...]] = vars(stats)["stats"]
    for place, (_, _, own, _, callers) in whole.items():
        if place[0] == "~" and callers:
            for caller, (_, _, share, _) in callers.items():
                parts[part_of(caller)] += share
        else:
            parts[part_of(place)] += own
    return dict(parts.most_common())


def part_of(place: tuple[str, int, str]) -> str:
    """Return the part that a function belongs to."""
    file, _, name = place
    if name == "<module>" or "importlib" in file:
        return IMPORTS
    *_, after = file.rpartition("/site-packages/")
    if "/kbsync/" in file:
        room = file.rpartition("/kbsync/")[2].partition("/")[0]
        return f"kbsync/{room.removesuffix('.py')}"
    first = after.partition("/")[0] if "/site-packages/" in file else _standard(file)
    return next((part for part, names in PARTS.items() if first in names), "other libraries")


def _standard(file: str) -> str:
    """Return the module or package of the standard library that a file belongs to."""
    return file.rpartition("/python3.")[2].partition("/")[2].partition("/")[0] or file


if __name__ == "__main__":
    main()
