"""A model of a folder that is written, renamed, locked and unmounted while kbsync reads it.

It remembers what it last answered about each path: what kbsync deletes is judged by that. What was
seen to be gone while the folder was mounted may come back unseen when it is not.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kbsync.engine.ports import Blocked, Payload, Seen
from kbsync.messages import source as says
from kbsync.model import (
    Absent,
    DocKey,
    Excluded,
    FileFacts,
    FileState,
    Present,
    Sidecar,
    Skipped,
    Stat,
    Unknown,
)
from kbsync.planning.mount_points import innermost_above, is_at_or_below
from kbsync.planning.path_range import EVERYTHING, PathRange

from .front_matter import block_of, facts_of

MOUNTED, EMPTY, GONE = "mounted", "empty", "gone"
LOCKED = says.FOLDER_UNREADABLE(cause="Permission denied")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass(slots=True)
class File:
    """What an open descriptor sees: edits in place change it, a replacement is another file.

    `writes`: how often it was written to, whatever its times say. `by_name`: the name by which it
    was written to last, which alone has an event; a file may have several.
    """

    content: bytes
    mtime_ns: int = 0
    inode: int = 0
    ctime_ns: int = 0
    unreadable: bool = False
    writes: int = 0
    by_name: str = ""

    @property
    def stat(self) -> Stat:
        return Stat(len(self.content), self.mtime_ns, self.inode, self.ctime_ns)


class Folder:
    """One mirror's source.

    Args:
        mirror: its name.
        wall: the time by which files are dated, in seconds.
        files: what stands there at first.

    Attributes:
        locked: prefixes that cannot be listed.
        excluded: paths that the mirror's patterns leave out.
        sidecars: what stands beside files, by their path.
        chosen: fields of front matter that are declared; it is no part of the text then.
        states: what a scan meets at paths that are no ordinary files.
        unsteady: paths that are written to whenever they are read.
        nested: mount points below the root, and whether anything is mounted there; what stands on
            one comes and goes with it.
        strange: mount points on which an empty disk is mounted instead.
        known: mount points that kbsync was told of.
    """

    def __init__(
        self,
        mirror: str,
        wall: Callable[[], float] = lambda: 0.0,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        self.mirror = mirror
        self.files: dict[str, File] = {}
        self.locked: set[str] = set()
        self.excluded: set[str] = set()
        self.states: dict[str, FileState] = {}
        self.unsteady: set[str] = set()
        self.sidecars: dict[str, Sidecar] = {}
        self.chosen: tuple[str, ...] = ()
        self.mount = MOUNTED
        self.mounted_device = 1
        self.nested: dict[str, bool] = {}
        self.strange: set[str] = set()
        self.known: set[str] = set()
        self.expected: frozenset[str] = frozenset()
        self.answers: dict[str, FileState] = {}
        self.seen_gone: set[str] = set()
        self._wall = wall
        self._ticks = itertools.count(1)
        self._changes = itertools.count(1)
        for path, content in (files or {}).items():
            self.write(path, content)

    # -- what people do ------------------------------------------------------------------------

    def write(self, path: str, content: bytes) -> Stat:
        """Put another file there, as most editors do."""
        file = self.files[path] = File(
            content, self._mtime(), next(self._ticks), self._ctime(), by_name=path
        )
        return file.stat

    def edit(self, path: str, content: bytes) -> None:
        """Write to the file that stands there."""
        file = self.files[path]
        file.content, file.mtime_ns = content, self._mtime()
        self._written(file, path)

    def alter(self, path: str, content: bytes) -> None:
        """Write as many other bytes to it, and put its times back: its stat stays."""
        assert len(content) == len(self.files[path].content)
        self.files[path].content = content

    def link(self, old: str, new: str) -> None:
        """Give the file another name."""
        self.files[new] = self.files[old]

    def remove(self, path: str) -> None:
        del self.files[path]

    def rename(self, old: str, new: str) -> None:
        self.files[new] = self.files.pop(old)
        self.files[new].ctime_ns = self._ctime()

    def _written(self, file: File, by_name: str) -> None:
        file.ctime_ns, file.by_name = self._ctime(), by_name
        file.writes += 1

    def _mtime(self) -> int:
        return int(self._wall() * 1e9) + next(self._ticks)

    def _ctime(self) -> int:
        return next(self._changes)

    def stat_read(self, file: File) -> Stat:
        """Return the stat of a file that is read now, as kbsync is to keep it."""
        return file.stat

    # -- the port ------------------------------------------------------------------------------

    def scan(self, within: PathRange = EVERYTHING) -> Iterator[Seen]:
        if self.mount == GONE:
            return iter([Blocked(prefix="", why=says.ROOT_GONE(path="/fake"))])
        met: list[tuple[str, Seen]] = []
        for path in self._visible():
            state = self._answer(path)
            if isinstance(state, Present):
                described = path in self.sidecars
                met.append((path, state if described else (path, *state.stat)))
            elif isinstance(state, Skipped) and path not in self.states:
                met.append((path, state))
        met += [(path, state) for path, state in self.states.items() if not self._locks(path)]
        met = [each for each in met if each[0] in within]
        locked = [prefix for prefix in self.locked if within.meets(prefix)]
        met += [(prefix, Blocked(prefix=prefix, why=LOCKED)) for prefix in locked]
        return iter([seen for _, seen in sorted(met, key=lambda each: each[0])])

    def _visible(self) -> list[str]:
        if self.mount != MOUNTED:
            return []
        return [path for path in self.files if not (self._locks(path) or self._away(path))]

    def _away(self, path: str) -> bool:
        return any(not there and is_at_or_below(path, at) for at, there in self.nested.items())

    def _locks(self, path: str) -> bool:
        return any(path.startswith(prefix) for prefix in self.locked)

    def look(self, path: str) -> FileState:
        return self._answer(path)

    def _answer(self, path: str) -> FileState:
        state = self._state(path)
        self.answers[path] = state
        # A mount that kbsync never met hides nothing that it could know of.
        if self.mount == MOUNTED and not self.hides_on_known(path):
            (self.seen_gone.add if isinstance(state, Absent) else self.seen_gone.discard)(path)
        return state

    def _state(self, path: str) -> FileState:
        key = DocKey(mirror=self.mirror, path=path)
        if self.mount == GONE:
            return Unknown(key=key, why=says.ROOT_GONE(path="/fake"))
        if self.mount == EMPTY:
            return Absent(key=key, unmounted=innermost_above(path, self.expected))
        if self._away(path):
            return Absent(key=key, unmounted=innermost_above(path, self.expected - self.mounted()))
        if self._locks(path):
            return Unknown(key=key, why=LOCKED)
        if path in self.states:
            return self.states[path]
        file = self.files.get(path)
        if file is None:
            return Absent(key=key, unmounted=self._unmounted(path))
        if path in self.excluded:
            return Excluded(key=key)
        if not file.content:
            return Skipped(key=key, why=says.EMPTY())
        return Present(key=key, stat=file.stat, unmounted=self._unmounted(path))

    def _unmounted(self, path: str) -> str | None:
        point = innermost_above(path, self.expected)
        return None if point is None or point in self.mounted() else point

    def glance(self, path: str) -> FileState:
        return self.look(path)

    def loses_text(self, path: str) -> bool:
        del path
        return False

    def read(
        self, path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ) -> FileState:
        state = self.look(path)
        if not isinstance(state, Present):
            return state
        file = self.files[path]
        if file.unreadable:
            why = says.FILE_UNREADABLE(cause="Permission denied")
            self.answers[path] = Unknown(key=state.key, why=why)
            return self.answers[path]
        return replace(state, stat=self.stat_read(file), content=sha(self.text_of(file.content)))

    def sidecar(self, path: str) -> Sidecar | None:
        there = self.mount == MOUNTED and not (self._locks(path) or self._away(path))
        return self.sidecars.get(path) if there else None

    def facts(self, path: str, taken: str | None = None) -> FileFacts | FileState:
        state = self.look(path)
        if not isinstance(state, Present):
            return state
        file = self.files[path]
        return facts_of(file.content, self.stat_read(file), self.chosen)

    def text_of(self, content: bytes) -> bytes:
        """Return what of a file is sent."""
        return content[len(block_of(content)) :] if self.chosen else content

    def device(self) -> int | None:
        return {MOUNTED: self.mounted_device, EMPTY: 2, GONE: None}[self.mount]

    def mounts(self) -> frozenset[str]:
        self.known |= self.mounted()
        return self.mounted()

    def mounted(self) -> frozenset[str]:
        there = {at for at, there in self.nested.items() if there or at in self.strange}
        if self.mount != MOUNTED:
            return frozenset()
        return frozenset(at for at in there if not self._away(at.rpartition("/")[0]))

    def expect(self, mounts: AbstractSet[str]) -> None:
        self.expected = frozenset(mounts)

    @contextmanager
    def open(self, path: str, taken: str | None = None) -> Iterator[Payload | Unknown]:
        state = self.read(path)
        if isinstance(state, Present):
            yield self._opened(path)
        else:
            why = says.FILE_UNREADABLE(cause="not there")
            yield Unknown(key=state.key, why=getattr(state, "why", why))

    def _opened(self, path: str) -> OpenFile:
        file = self.files[path]
        begins = len(file.content) - len(self.text_of(file.content))
        opened = OpenFile(file, torn=path in self.unsteady, begins=begins)
        opened.stat = self.stat_read(file)
        return opened

    # -- what is true --------------------------------------------------------------------------

    def hides(self, path: str) -> bool:
        """Whether the file is there and seems not to be, as nothing is mounted where it is."""
        return path in self.files and (self.mount == EMPTY or self._away(path))

    def hides_on_known(self, path: str) -> bool:
        """Whether it is hidden by what the ledger knows of: the root, or a mount point it saw."""
        gone = {at for at, there in self.nested.items() if not there}
        known = innermost_above(path, gone & self.known) is not None
        return self.hides(path) and (self.mount == EMPTY or known)

    def contents(self) -> dict[str, bytes]:
        return {path: file.content for path, file in self.files.items()}

    def accepted(self) -> dict[str, bytes]:
        """Return what a mirror of this folder has to hold; nothing while it is away."""
        states = {path: self._state(path) for path in self._visible()}
        present = [path for path, state in states.items() if isinstance(state, Present)]
        return {path: self.text_of(self.files[path].content) for path in present}


class OpenFile:
    """A file opened for upload; a write in between tears it.

    `begins`: where its text does.
    """

    media_type = "text/markdown"
    taken = None

    def __init__(self, file: File, *, torn: bool = False, begins: int = 0) -> None:
        self._file = file
        self._begins = begins
        self._torn = torn
        self._found = self.stat = file.stat
        self.size = len(file.content) - begins
        self.after: Callable[[], None] = lambda: None
        self._at = 0
        self._sum = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        end = self.size if size < 0 else min(self.size, self._at + size)
        piece = self._file.content[self._begins :][self._at : end]
        self._at += len(piece)
        self._sum.update(piece)
        if self._at == self.size:
            self.after()
        return piece

    source: str | None = None

    @property
    def content(self) -> str:
        return self._sum.hexdigest()

    def torn(self) -> bool:
        return self._torn or self._file.stat != self._found
