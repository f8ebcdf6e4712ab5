"""Who owns a file, by name where the machine knows one."""

from __future__ import annotations

import os
import pwd
from functools import lru_cache


def owner_of(found: os.stat_result) -> str:
    """Return the name of the user who owns a file, or the number of one who has no name."""
    return _name(found.st_uid)


@lru_cache(maxsize=256)
def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
