"""What the other texts of a folder say about one that is unclear by itself.

Files of one folder mostly come from one program, and are about the same things. A few of them are
read, the same ones for every file of the folder, so that many doubtful files cost no more than one.
"""

from __future__ import annotations

import heapq
import os
import stat
import threading
from collections.abc import Iterator
from typing import NamedTuple

from kbsync.model.file_types import extension, is_text
from kbsync.source.guess import Guess, guess
from kbsync.source.openat import FILE
from kbsync.source.readings import Reading, is_eastern

READ_OF_A_FOLDER = 32
FOLDERS_KEPT = 256
_READ_OF_A_FILE = 1 << 14
# Of the letters of the right reading many occur in the other files, of a wrong one hardly any.
_SHARED, _TIMES_MORE = 0.25, 2.0


class FolderTexts(NamedTuple):
    """What the texts of a folder are in that is sure, and the letters they are made of."""

    encodings: frozenset[str]
    letters: frozenset[str]


class Neighbours:
    """The evidence of folders, found once for each state of a folder. Safe for many threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], FolderTexts] = {}
        self._lock = threading.Lock()

    def settle(self, taken: Guess, folder: int) -> Guess:
        """Return `taken` without rivals where the other files of `folder` decide.

        Args:
            taken: a guess that is not sure.
            folder: descriptor of the file's folder.
        """
        others = self._of(folder)
        rivals = {taken.encoding, *taken.rivals}
        possible = [each for each in taken.readings if each.encoding in rivals]
        found = _as_the_others(possible, others) or _of_the_same_letters(possible, others)
        return taken if found is None else Guess(found)

    def _of(self, folder: int) -> FolderTexts:
        found = os.fstat(folder)
        state = found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
        with self._lock:
            if state not in self._known:
                self._known[state] = _of_folder(folder)
                if len(self._known) > FOLDERS_KEPT:
                    del self._known[next(iter(self._known))]
            return self._known[state]


def _as_the_others(possible: list[Reading], others: FolderTexts) -> str | None:
    """Return the one possible encoding that other files of the folder have."""
    found = [each.encoding for each in possible if each.encoding in others.encodings]
    # A folder of several scripts says nothing about which of them a file is of.
    eastern = any(is_eastern(each.encoding) for each in possible)
    alike = not eastern and len({each.scripts for each in possible}) == 1
    decides = len(found) == 1 and (alike or len(others.encodings) == 1)
    return found[0] if decides else None


def _of_the_same_letters(possible: list[Reading], others: FolderTexts) -> str | None:
    shares = sorted(((_share(each, others), each.encoding) for each in possible), reverse=True)
    if not shares or shares[0][0] < _SHARED:
        return None
    if len(shares) > 1 and shares[1][0] * _TIMES_MORE > shares[0][0]:
        return None
    return shares[0][1]


def _share(reading: Reading, others: FolderTexts) -> float:
    letters = reading.letters
    return len(letters & others.letters) / len(letters) if letters else 0.0


def _of_folder(folder: int) -> FolderTexts:
    encodings, letters = set(), set()
    for data in _texts(folder):
        taken = _sure(data)
        if taken is not None:
            encodings |= {taken[0]} - {"utf-8"}
            letters |= {char for char in taken[1] if char.isalpha() and not char.isascii()}
    return FolderTexts(frozenset(encodings), frozenset(letters))


def _sure(data: bytes) -> tuple[str, str] | None:
    """Return encoding and text, None where they are not sure."""
    try:
        return "utf-8", data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
            return "utf-8", data[: error.start].decode()
    taken = guess(data)
    return None if taken.rivals else (taken.encoding, data.decode(taken.encoding, "replace"))


def _texts(folder: int) -> Iterator[bytes]:
    """Yield the beginnings of a folder's first texts, in the order of their names."""
    try:
        names = [name for name in os.listdir(folder) if is_text(extension(name))]
    except OSError:
        return
    for name in heapq.nsmallest(READ_OF_A_FOLDER, names):
        if not name.startswith("."):
            yield _beginning(folder, name)


def _beginning(folder: int, name: str) -> bytes:
    try:
        fd = os.open(name, FILE, dir_fd=folder)
    except OSError:
        return b""
    try:
        regular = stat.S_ISREG(os.fstat(fd).st_mode)
        data = os.pread(fd, _READ_OF_A_FILE, 0) if regular else b""
    except OSError:
        return b""
    finally:
        os.close(fd)
    # Whole lines, as far as there are lines.
    return data[: data.rfind(b"\n") + 1] or data if len(data) == _READ_OF_A_FILE else data
