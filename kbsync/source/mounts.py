"""Mounts: which folders are on one of their own, and which on a network, where inotify is blind."""

from __future__ import annotations

import os
import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

from kbsync.planning.mount_points import is_at_or_below
from kbsync.source.file_names import component

# Another machine, the host of this one or a program changes files on these, and inotify does not
# report it. A type is looked up whole, then by what precedes its dot: fuse.sshfs is a fuse. A
# fuseblk is none: the disk below it is changed by this machine alone.
NETWORK_FILE_SYSTEMS = {
    **dict.fromkeys(("nfs", "nfs4"), "NFS"),
    **dict.fromkeys(("cifs", "smb", "smb2", "smb3", "smbfs"), "SMB"),
    "fuse": "FUSE",
    **dict.fromkeys(
        ("9p", "fakeowner", "prl_fs", "vboxsf", "virtiofs", "vmhgfs"), "a share of the host"
    ),
    **dict.fromkeys(
        (
            *("afs", "autofs", "beegfs", "ceph", "coda", "davfs", "gfs2", "glusterfs", "gpfs"),
            *("lustre", "ncpfs", "ocfs2", "orangefs"),
        ),
        "a network file system",
    ),
}
MOUNT_TABLE = Path("/proc/self/mountinfo")
DESCRIPTORS = Path("/proc/self/fdinfo")
_ID = "mnt_id:"
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of the mount table. `number`: the id of the mount, not of its device."""

    number: str
    point: str
    kind: str


class FolderMounts(NamedTuple):
    """The mount a folder is on, and those inside of it.

    Two that are equal mean that no mount came or went there.
    """

    own: Mount | None
    inside: tuple[Mount, ...]
    real: str

    def network(self, kinds: AbstractSet[str] = NETWORK_FILE_SYSTEMS.keys()) -> dict[str, str]:
        """Return the folders, relative and outermost first, on file systems among `kinds`.

        Args:
            kinds: types of file systems; one with a subtype (``fuse.sshfs``) is named by either.

        Returns:
            Paths relative to the folder (empty for itself), each with its file system's type.
        """
        found = {"": self.own.kind} if self.own and _is(self.own.kind, kinds) else {}
        for mount in self.inside:
            if _is(mount.kind, kinds):
                found[os.path.relpath(mount.point, self.real)] = mount.kind
        return found


def mounts_of(folder: str, table: str | None = None) -> FolderMounts:
    """Return the mounts of `folder`.

    Args:
        folder: its path.
        table: text of a mount table; default is the one in force.
    """
    real = os.path.realpath(folder)
    inside = real.rstrip("/") + "/"
    own: Mount | None = None
    below: dict[str, Mount] = {}
    for mount in _mounts(_table() if table is None else table):
        # A later mount on the same point hides the earlier one.
        if mount.point.startswith(inside):
            below[mount.point] = mount
        elif f"{real}/".startswith(mount.point.rstrip("/") + "/") and (
            own is None or len(mount.point) >= len(own.point)
        ):
            own = mount
    return FolderMounts(own, tuple(below.values()), real)


def mount_points(folder: str) -> frozenset[str]:
    """Return the key paths below `folder` that something is mounted on.

    Bind mounts are among them, which have the device number of what is around them.
    """
    found = mounts_of(folder)
    return frozenset(_key_path(found.real, mount.point) for mount in found.inside)


def is_on(fd: int, folder: str, point: str) -> bool:
    """Whether what the descriptor `fd` has open is on the mount at `point`, or on one inside of it.

    A descriptor stays on the mount it was opened on, so what is listed through it is judged, and
    not what is mounted a moment later.

    Args:
        fd: of a file or folder.
        folder: path of the source.
        point: key path below it.
    """
    number = _mount_number(fd)
    real = os.path.realpath(folder)
    for mount in _mounts(_table()):
        if mount.number == number and mount.point.startswith(real.rstrip("/") + "/"):
            return is_at_or_below(_key_path(real, mount.point), point)
    return False


def _mount_number(fd: int) -> str:
    try:
        known = (DESCRIPTORS / str(fd)).read_text("ascii")
    except OSError:
        return ""
    return next((words[1] for line in known.splitlines() if (words := line.split())[0] == _ID), "")


def _key_path(real: str, point: str) -> str:
    return "/".join(map(component, os.path.relpath(point, real).split("/")))


def network_name(kind: str) -> str | None:
    """Return what people call a network file system; None for a local one.

    Args:
        kind: its type as the mount table has it.
    """
    return NETWORK_FILE_SYSTEMS.get(kind) or NETWORK_FILE_SYSTEMS.get(kind.partition(".")[0])


def _is(kind: str, kinds: AbstractSet[str]) -> bool:
    return kind in kinds or kind.partition(".")[0] in kinds


def _table() -> str:
    try:
        return MOUNT_TABLE.read_text("utf-8", "surrogateescape")
    except OSError:
        return ""


def _mounts(table: str) -> list[Mount]:
    found = []
    for line in table.splitlines():
        words, _, rest = line.partition(" - ")
        fields = words.split(" ")
        kind = rest.partition(" ")[0]
        if len(fields) > 4 and kind:
            found.append(Mount(fields[0], _unescaped(fields[4]), kind))
    return found


def _unescaped(point: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), point)
