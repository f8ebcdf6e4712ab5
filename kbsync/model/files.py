"""What is in the source: keys, stats, and the state of a file."""

from __future__ import annotations

from typing import NamedTuple

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class DocKey:
    """The identity of a file and its document: mirror, and POSIX path in NFC."""

    mirror: str
    path: str


NO_CTIME = -1
"""A ctime that no file has."""


class Stat(NamedTuple):
    """Size, mtime, inode and ctime of a file.

    A tuple, because the scan compares it with the ledger's row for every file of every pass.

    Args:
        ctime_ns: when the inode was changed last; `NO_CTIME` where the stat does not speak for the
            content: in a ledger of an older format, for a file that was written a moment before it
            was read, and once a file of this stat was found to hold something else.
    """

    size: int
    mtime_ns: int
    inode: int
    ctime_ns: int

    @property
    def doubted(self) -> Stat:
        """The same without its ctime: no file's stat is equal to it, so the file is read."""
        return self._replace(ctime_ns=NO_CTIME)

    def agrees(self, other: Stat | None) -> bool:
        """Whether both may be of one state of a file; a ctime that is missing denies nothing."""
        if other is None or self[:3] != other[:3]:
            return False
        return self.ctime_ns == other.ctime_ns or NO_CTIME in (self.ctime_ns, other.ctime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """`content`: sha256 (hex) of what is sent. `settings`: hash of what shapes its chunks."""

    content: str
    settings: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The metadata that names the owner of a document (design, section 5).

    Args:
        rev: the document's rev when it was written; with another one it is a copy.
        owner: token of the ledger that wrote it, empty when missing.
    """

    mirror: str
    path: str
    fingerprint: Fingerprint
    rev: str
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A file that would be uploaded.

    Args:
        content: None until it was hashed.
        unmounted: the recorded mount point it is below, where nothing is mounted now: it may be
            another file than the one that was sent.
        taken: what its text was taken as, None where no text was converted.
        source: sha256 (hex) of its own bytes, where not they are sent.
    """

    key: DocKey
    stat: Stat
    content: str | None = None
    unmounted: str | None = None
    taken: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """Not there: its parent was listed without error, or is itself gone.

    Args:
        unmounted: the recorded mount point it is below, where nothing is mounted now: then this
            proves nothing, and only a person can say that it is gone.
    """

    key: DocKey
    unmounted: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Could not be read now (torn read, unreadable folder, race): never acted on."""

    key: DocKey
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """There, but never uploaded (type, size, empty, name, kind of file)."""

    key: DocKey
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """There, but the filters leave it out; shown as orphaned when it has a document.

    `why` says which line of the default list leaves it out, None where a person did.
    """

    key: DocKey
    why: Notice | None = None


FileState = Present | Absent | Unknown | Skipped | Excluded
