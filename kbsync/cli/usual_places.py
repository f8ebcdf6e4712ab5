"""Where a configuration is looked for that nobody named: here, the user's, then the machine's."""

from __future__ import annotations

import os
from pathlib import Path

from kbsync.messages import Problem
from kbsync.messages import config as say

HERE = Path("kbsync.yaml")
MACHINE = Path("/etc/kbsync") / HERE


def usual_places() -> tuple[Path, ...]:
    """Return the places, the first that counts first; a user without a home folder has none."""
    import platformdirs  # noqa: PLC0415 - most configurations are here

    try:
        own = platformdirs.user_config_path("kbsync", appauthor=False) / HERE
    except RuntimeError:
        return HERE, MACHINE
    # Older releases leave a ~ that stands for nothing.
    return (HERE, own, MACHINE) if own.is_absolute() else (HERE, MACHINE)


def usual_file() -> Path:
    """Return the first file that is there.

    Raises:
        Problem: KB-C410, there is none.
    """
    if os.path.lexists(HERE):
        return HERE
    places = usual_places()
    for place in places:
        if os.path.lexists(place):
            return place
    raise Problem(say.FILE_NOWHERE(places=", ".join(map(_as_typed, places))))


def _as_typed(place: Path) -> str:
    home = os.environ.get("HOME")
    if home and place.is_relative_to(home):
        return f"~/{place.relative_to(home)}"
    return str(place)
