"""What the sources are stored on, and whether changes there are noticed. Nothing is written."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from kbsync.config import MirrorConfig, Settings
from kbsync.messages import Notice
from kbsync.messages import doctor as say
from kbsync.source.mounts import mounts_of, network_name

INOTIFY = Path("/proc/sys/fs/inotify/max_user_watches")
NAMES_READ = 10_000


def sources(settings: Settings) -> Iterator[Notice]:
    """Yield findings about the file system under each source that is there."""
    for mirror in settings.mirrors:
        if mirror.source.is_dir():
            yield _stored_on(mirror)
            yield from _names(mirror)


def watches(settings: Settings) -> Iterator[Notice]:
    """Yield whether every folder of every source could be watched."""
    try:
        most = int(INOTIFY.read_text())
    except (OSError, ValueError):
        yield say.NO_INOTIFY()
        return
    folders = sum(1 for mirror in settings.mirrors for _ in os.walk(mirror.source))
    free = max(0, most - _watches_in_use())
    words = {"folders": folders, "free": free, "most": most}
    if folders <= free:
        yield say.WATCHES(**words)
    else:
        yield say.FEW_WATCHES(wanted=2 * (most - free + folders), **words)


def _stored_on(mirror: MirrorConfig) -> Notice:
    words = {"mirror": mirror.name, "path": mirror.source}
    own = mounts_of(os.fspath(mirror.source)).own
    if own is None:
        return say.UNKNOWN_DISK(**words)
    network = network_name(own.kind)
    if network is None:
        return say.LOCAL_DISK(kind=own.kind, **words)
    return say.REMOTE_DISK(kind=f"{network} ({own.kind})", **words)


def _names(mirror: MirrorConfig) -> Iterator[Notice]:
    """Yield how names are compared there, as far as the names that are there show it."""
    found = list(islice(_paths(mirror.source), NAMES_READ))
    words = {"mirror": mirror.name, "path": mirror.source}
    folds = _folds(found, str.swapcase)
    if folds is not None:
        yield say.FOLDS_CASE(**words) if folds else say.KEEPS_CASE(**words)
    folds = _folds(found, _recomposed)
    if folds is not None:
        yield say.FOLDS_LETTERS(**words) if folds else say.KEEPS_LETTERS(**words)


def _paths(root: Path) -> Iterator[Path]:
    yield root
    for folder, folders, files in os.walk(root):
        yield from (Path(folder, name) for name in (*folders, *files))


def _recomposed(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    return unicodedata.normalize("NFD", name) if composed == name else composed


def _folds(paths: Iterable[Path], other: Callable[[str], str]) -> bool | None:
    """Whether a name written the other way reaches the same file; None when no name differs."""
    for path in paths:
        name = other(path.name)
        if name == path.name:
            continue
        try:
            return path.with_name(name).samefile(path)
        except OSError:
            return False
    return None


def _watches_in_use() -> int:
    """Count the watches of our user's processes, as far as they can be looked into."""
    return sum(map(_watches_of, descriptors()))


def descriptors() -> Iterator[Path]:
    """Yield what the system tells of each open file of each process that is there."""
    for process in filter(str.isdigit, os.listdir("/proc")):
        folder = Path("/proc", process, "fdinfo")
        with suppress(OSError):  # it ended meanwhile, or is another user's
            yield from [folder / each for each in os.listdir(folder)]


def _watches_of(descriptor: Path) -> int:
    try:
        if descriptor.stat().st_uid != os.getuid():
            return 0
        return descriptor.read_bytes().count(b"inotify wd:")
    except OSError:
        return 0
