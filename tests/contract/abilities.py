"""What each version can do, by the version it tells: the suite's own table, not kbsync's.

An expectation that holds for some versions only names the ability it depends on
(docs/dify-api.md section 18).
"""

from __future__ import annotations

import re
from enum import StrEnum

Version = tuple[int, int, int]
EVER = (99, 0, 0)
NO_VERSION = (0, 0, 0)  # a server that tells none is taken for the oldest


class Ability(StrEnum):
    """One thing that some versions do and others do not."""

    ANY_NAME = "all characters but / and \\ are accepted in file names"
    KEY_FIRST = "the key is looked at before the base"


_SPANS: dict[Ability, list[tuple[Version, Version]]] = {
    Ability.ANY_NAME: [(NO_VERSION, (1, 2, 0)), ((1, 13, 1), EVER)],
    Ability.KEY_FIRST: [(NO_VERSION, (1, 9, 0)), ((1, 13, 0), EVER)],
}


def abilities(told: str | None) -> frozenset[Ability]:
    """Return what a server of that version can do."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", told or "")
    version = (int(found[1]), int(found[2]), int(found[3])) if found else NO_VERSION
    return frozenset(
        ability
        for ability, spans in _SPANS.items()
        if any(since <= version < until for since, until in spans)
    )
