"""What the engine needs of a mirror's folder, as a Protocol."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model import FileFacts, FileState, Sidecar, Stat, Unknown
from kbsync.planning.path_range import EVERYTHING, PathRange

FileRow = tuple[str, int, int, int, int]
"""A file that passed the filters: NFC path, size in bytes, mtime in ns, inode, ctime in ns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A folder that could not be listed: everything under `prefix` is unknown.

    `prefix` ends with ``/``; the empty prefix is the whole source.
    """

    prefix: str
    why: Notice


Seen = FileRow | FileState | Blocked


class Known(NamedTuple):
    """What a file's own bytes became when they were sent under today's settings.

    Args:
        source: their sha256 (hex).
        content: sha256 (hex) of what was sent.
    """

    source: str
    content: str


class Payload(Protocol):
    """What is uploaded for one file, readable once from the start.

    `content` is the sha256 (hex) of what has been read so far; `torn` is true when the file
    changed while it was read. `stat` is of the file that was opened, which another may have
    replaced since its name was looked at. `taken`: what its text was taken as.
    """

    size: int
    media_type: str
    stat: Stat

    @property
    def taken(self) -> str | None:
        """What its text was taken as, None where no text was converted."""
        ...

    @property
    def source(self) -> str | None:
        """Sha256 (hex) of the file's own bytes, where not they are sent."""
        ...

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most `size` of them; empty at the end."""
        ...

    @property
    def content(self) -> str:
        """Sha256 (hex) of the bytes read so far."""
        ...

    def torn(self) -> bool:
        """Whether the file changed since it was opened."""
        ...


class Source(Protocol):
    """One mirror's folder."""

    def scan(self, within: PathRange = EVERYTHING) -> Iterator[Seen]:
        """Walk the folder once, in code point order of the NFC path.

        Folders that have no path in `within` are not entered.

        Files are `FileRow`; what is there but not uploaded is a `Skipped` or `Unknown`;
        excluded files and folders are left out (ask `look`), but for those of the default list,
        each an `Excluded`, a folder's path with ``/`` at its end. A file with a sidecar is a
        `Present`: its stat says nothing of that.
        """
        ...

    def look(self, path: str) -> FileState:
        """Return the state of `path` now; only of a small file the content is looked at.

        A path that ends with ``/`` asks for a folder: Unknown where it cannot be listed, otherwise
        Absent. What has nothing in it but blanks is `Skipped`, which no row of a walk tells.
        """
        ...

    def glance(self, path: str) -> FileState:
        """Like `look`, and look into the file: Unknown where it is plain that it cannot be sent."""
        ...

    def read(
        self,
        path: str,
        taken: str | None = None,
        *,
        fresh: bool = False,
        known: Known | None = None,
    ) -> FileState:
        """Like `look`, and hash what would be sent: a `Present` has its `content`.

        Its stat is of the file that was read; without a ctime where a later write could leave the
        same one, so that no later look is equal to it. `taken`: what its text was taken as when it
        was sent (`LedgerEntry.encoding`). `fresh` reads the file even where its hash is remembered.
        A file that would be converted, and still has the bytes of `known`, is not converted again.
        """
        ...

    def loses_text(self, path: str) -> bool:
        """Whether a server would lose text of the file at `path` as it is sent; looks into it."""
        ...

    def sidecar(self, path: str) -> Sidecar | None:
        """Return what the file beside `path` says of its document, None where there is none."""
        ...

    def facts(self, path: str, taken: str | None = None) -> FileFacts | FileState:
        """Return what of a file becomes metadata, or what stands there instead.

        `taken` as for `read`.
        """
        ...

    def device(self) -> int | None:
        """Return the number of the device the root is on, None when it cannot be asked."""
        ...

    def mounts(self) -> frozenset[str]:
        """Return the key paths below the root that something is mounted on."""
        ...

    def expect(self, mounts: AbstractSet[str]) -> None:
        """Tell from now on, in `look` and `read`, what is below one of `mounts` and not on it."""
        ...

    def open(
        self, path: str, taken: str | None = None
    ) -> AbstractContextManager[Payload | Unknown]:
        """Open `path` for upload, never following a link out of the root; `taken` as for `read`."""
        ...
