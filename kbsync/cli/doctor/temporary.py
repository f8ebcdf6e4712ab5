"""The temporary folder, where long texts are written anew before they are sent: has it room?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

from kbsync.config import Settings
from kbsync.messages import Notice
from kbsync.messages import machine as say
from kbsync.planning.render import size_of


def temporary_room(settings: Settings) -> Iterator[Notice]:
    """Yield a warning where the longest text that may be converted would find no room."""
    longest = [each.max_file_size for each in settings.mirrors if each.convert == "utf-8"]
    if not longest:
        return
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError as error:
        folder = os.environ.get("TMPDIR", "/tmp")  # noqa: S108 - it is only named
        yield say.NO_TEMPORARY_ROOM(folder=folder, cause=error.strerror)
        return
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < max(longest):
        words = {"free": size_of(free), "most": size_of(max(longest))}
        yield say.LITTLE_TEMPORARY_ROOM(folder=folder, **words)
