"""Files that programs leave beside documents, and that no one wrote: left out by default.

One line for each: a gitignore pattern for one name, what makes it, and where that can be read. To
have such files all the same, name them in `include`, or write the pattern with a `!` into `exclude`
or an ignore file; a type that is named in `extensions` is wanted, too. `default_excludes: false`
does without the whole list.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from kbsync.source.gitignore import compiled


class DefaultExclude(NamedTuple):
    """One line of the list.

    Args:
        pattern: a gitignore pattern for one name; folders end with ``/``.
        made_by: what leaves such files, and what for.
        source: where that can be read.
    """

    pattern: str
    made_by: str
    source: str


_WORD = "Microsoft Support: Description of how Word creates temporary files"
_SYNCTHING = "docs.syncthing.net: Understanding Synchronization"
_SYNOLOGY = "kb.synology.com: Recycle Bin and Snapshot Replication; man page of synoindex"
_QNAP = "qnap.com, QTS user guide: Network Recycle Bin, Snapshots, Multimedia"
_WINDOWS = "learn.microsoft.com: Windows shell and file system"
_APPLE = (
    "developer.apple.com, Technical Note TN1150 and AppleSingle/AppleDouble; man page of ditto(1)"
)
_CHROMIUM = "chromium.org, components/download: suffix of intermediate files"
_FIREFOX = "searchfox.org, nsExternalHelperAppService.cpp: suffix of partial downloads"
_EMACS = "gnu.org, Emacs manual: Auto Save Files, Backup Names, Interlocking"
_VIM = "vimhelp.org: recover.txt, swap-file"
_TRASH = "specifications.freedesktop.org: Trash specification"
_NETAPP = "docs.netapp.com, ONTAP: Snapshot directory access for NFS and SMB clients"

DEFAULT_EXCLUDES = (
    # Owner and lock files: they say who has a document open.
    DefaultExclude("~$*", "Microsoft Office: owner file of an open document", _WORD),
    DefaultExclude(
        ".~lock.*#",
        "LibreOffice: lock file of an open document",
        "LibreOffice core, lockfilecommon.cxx",
    ),
    DefaultExclude(".#*", "Emacs: lock of an edited file", _EMACS),
    DefaultExclude(
        "~*.idlk",
        "Adobe InDesign: lock of an open document",
        "helpx.adobe.com: InDesign lock files",
    ),
    DefaultExclude("*.laccdb", "Microsoft Access: lock of an open database", _WINDOWS),
    # What a program writes while it saves, and what a crash leaves of that.
    DefaultExclude("~WR[A-Z][0-9]*", "Microsoft Word: temporary file of an open document", _WORD),
    DefaultExclude("~*.tmp", "Microsoft Office: temporary file of a save", _WORD),
    DefaultExclude("*.asd", "Microsoft Word: AutoRecover", _WORD),
    DefaultExclude("*.wbk", "Microsoft Word: backup copy", _WORD),
    DefaultExclude("[#]*#", "Emacs: auto-save", _EMACS),
    DefaultExclude("*~", "Emacs, Vim, gedit: backup of the version before", _EMACS),
    DefaultExclude(".*.sw[a-p]", "Vim: swap file", _VIM),
    DefaultExclude(
        "*.sb-????????-??????",
        "macOS: safe save under way",
        "developer.apple.com: NSFileManager, replaceItemAt",
    ),
    DefaultExclude(
        ".goutputstream-*",
        "GLib: save under way",
        "gitlab.gnome.org, glib: glocalfileoutputstream.c",
    ),
    DefaultExclude("*.tmp", "many programs: a file until it is whole", _WINDOWS),
    DefaultExclude(
        ".nfs????????*",
        "NFS clients: a deleted file that is still open",
        "nfs.sourceforge.net: FAQ D2, silly rename",
    ),
    DefaultExclude(
        ".fuse_hidden*", "FUSE: a deleted file that is still open", "libfuse, fuse.h: hard_remove"
    ),
    # Partial downloads and transfers.
    DefaultExclude("*.part", "Firefox, yt-dlp, KDE: partial download", _FIREFOX),
    DefaultExclude(
        "*.part.[!0-9]*",
        "download programs: partial download",
        "github.com/yt-dlp/yt-dlp: README, --part",
    ),
    DefaultExclude("*.partial", "Internet Explorer, Edge Legacy: partial download", _WINDOWS),
    DefaultExclude("*.crdownload", "Chrome, Edge: partial download", _CHROMIUM),
    DefaultExclude("*.opdownload", "Opera: partial download", _CHROMIUM),
    DefaultExclude(
        "*.download/", "Safari: folder of a partial download", "support.apple.com: Safari downloads"
    ),
    DefaultExclude("*.filepart", "WinSCP: transfer under way", "winscp.net: Transfer resume"),
    DefaultExclude(
        "*.aria2", "aria2: state of a partial download", "aria2.github.io: manual, control file"
    ),
    DefaultExclude("*.!ut", "uTorrent: partial download", "utorrent.com: user manual, preferences"),
    DefaultExclude(".syncthing.*", "Syncthing: transfer under way", _SYNCTHING),
    DefaultExclude("~syncthing~*", "Syncthing on Windows: transfer under way", _SYNCTHING),
    DefaultExclude(
        ".tmp.drive*load/",
        "Google Drive: transfers under way",
        "support.google.com: Drive for desktop",
    ),
    DefaultExclude(
        ".*.icloud",
        "iCloud: place holder of a file that is not here",
        "support.apple.com: Optimise Mac Storage",
    ),
    # Conflict copies: what a sync program kept of the losing side.
    DefaultExclude("*.sync-conflict-[0-9]*", "Syncthing: conflict copy", _SYNCTHING),
    DefaultExclude(
        "*(*conflicted copy*)*",
        "Dropbox, Nextcloud: conflict copy",
        "help.dropbox.com: Conflicted copy",
    ),
    DefaultExclude(
        "*(SFConflict *)*", "Seafile: conflict copy", "help.seafile.com: File conflicts"
    ),
    DefaultExclude(
        "*_conflict-[0-9]*", "ownCloud: conflict copy", "doc.owncloud.com: desktop client, FAQ"
    ),
    # Wastebaskets.
    DefaultExclude("$RECYCLE.BIN/", "Windows: wastebasket", _WINDOWS),
    DefaultExclude("RECYCLER/", "Windows XP: wastebasket", _WINDOWS),
    DefaultExclude(".Trash/", "Unix desktops, macOS: wastebasket", _TRASH),
    DefaultExclude(".Trash-*/", "Unix desktops: wastebasket", _TRASH),
    DefaultExclude(".Trashes/", "macOS: wastebasket", _APPLE),
    DefaultExclude(
        "Network Trash Folder/", "Mac clients of a file server: wastebasket", "netatalk.io: manual"
    ),
    DefaultExclude("[#]recycle/", "Synology: wastebasket", _SYNOLOGY),
    DefaultExclude("@Recycle/", "QNAP: wastebasket", _QNAP),
    DefaultExclude(".recycle/", "Samba: wastebasket", "samba.org: vfs_recycle(8)"),
    DefaultExclude("lost+found/", "fsck: pieces of files", "man page of mklost+found(8)"),
    # Snapshots and versions: the whole folder once more, as it was.
    DefaultExclude(".snapshot/", "NetApp: snapshots over NFS", _NETAPP),
    DefaultExclude("~snapshot/", "NetApp: snapshots over SMB", _NETAPP),
    DefaultExclude(".snapshots/", "snapper: snapshots", "snapper.io: manual"),
    DefaultExclude("[#]snapshot/", "Synology: snapshots", _SYNOLOGY),
    DefaultExclude("@Recently-Snapshot/", "QNAP: snapshots", _QNAP),
    DefaultExclude(".zfs/", "OpenZFS: snapshots", "openzfs.github.io: zfsprops(7), snapdir"),
    DefaultExclude(".stversions/", "Syncthing: old versions", _SYNCTHING),
    DefaultExclude(
        ".dropbox.cache/", "Dropbox: deleted and old files", "help.dropbox.com: Cache folder"
    ),
    DefaultExclude("System Volume Information/", "Windows: restore points", _WINDOWS),
    # Thumbnails, and what a desktop notes of a folder.
    DefaultExclude("[Tt]humbs.db", "Windows: thumbnails", _WINDOWS),
    DefaultExclude("ehthumbs*.db", "Windows: thumbnails", _WINDOWS),
    DefaultExclude("[Dd]esktop.ini", "Windows: how a folder is shown", _WINDOWS),
    DefaultExclude("@eaDir/", "Synology: thumbnails and index", _SYNOLOGY),
    DefaultExclude(".@__thumb/", "QNAP: thumbnails", _QNAP),
    DefaultExclude(
        ".thumbnails/",
        "Unix desktops: thumbnails",
        "specifications.freedesktop.org: Thumbnail specification",
    ),
    DefaultExclude("__MACOSX/", "macOS: attributes of files in an archive", _APPLE),
    DefaultExclude("._*", "macOS: attributes of a file", _APPLE),
    DefaultExclude(".DS_Store", "macOS: how a folder is shown", _APPLE),
    DefaultExclude(".AppleDouble/", "netatalk: attributes of files", "netatalk.io: manual"),
)

# Asked for every file, so quick to ask: what a name begins with, or has in it, before it can match
# a line, and for types that are not accepted what the name ends with.
FIRST = "~#"
AMID, AMID_TOO = "onflict", ".part."
_ENDING = re.compile(r"\.([a-z0-9!]+)\Z")
_ENDINGS = {found[1] for line in DEFAULT_EXCLUDES if (found := _ENDING.search(line.pattern))}


def may_be_left_out(ending: str) -> bool:
    """Whether a name that ends with this after its last dot may match a line."""
    return ending in _ENDINGS or ending[-1:] == "~" or ending.startswith("sb-")


class DefaultList:
    """The lines that are in force for a mirror.

    Args:
        accepted: types that are uploaded; a line for one of them is not in force.
        include: patterns of the mirror; what one of them names is taken.
        lines: all there are.
    """

    def __init__(
        self,
        accepted: AbstractSet[str],
        include: Sequence[str],
        lines: Iterable[DefaultExclude] = DEFAULT_EXCLUDES,
    ) -> None:
        self._lines = [line for line in lines if not _is_of(line.pattern, accepted)]
        # One expression for all of them: every file of no accepted type is matched with it.
        self._any = re.compile("|".join(translate(line.pattern) for line in self._lines)).match
        named = [each for each in include if self._is_named_by(each)]
        self._named = compiled("\n".join(named)) if named else None

    def matches(self, name: str) -> bool:
        """Whether a line matches a name, whatever takes it back; a folder ends with ``/``."""
        return self._any(name) is not None

    def line(self, path: str) -> DefaultExclude | None:
        """Return the line that leaves `path` out, None if none does.

        Args:
            path: key path; a folder ends with ``/``.
        """
        name = path[path.rfind("/", 0, -1) + 1 :]
        if not self.matches(name) or self._takes_back(path):
            return None
        return next(line for line in self._lines if re.match(translate(line.pattern), name))

    def _is_named_by(self, include: str) -> bool:
        """Whether a pattern speaks of what a line leaves out: read as a path, it would be."""
        parts = include.removeprefix("!").strip("/").split("/")
        return any(self.matches(part) or self.matches(part + "/") for part in parts)

    def _takes_back(self, path: str) -> bool:
        if self._named is None:
            return False
        leads = self._named.leads if path.endswith("/") else ()
        return bool(self._named.verdict(path)) or any(lead.startswith(path) for lead in leads)


def _is_of(pattern: str, accepted: AbstractSet[str]) -> bool:
    ending = _ENDING.search(pattern)
    return ending is not None and ending[1] in accepted


def translate(pattern: str) -> str:
    """Return a line's pattern as a regular expression; a file's matches no folder."""
    return fnmatch.translate(pattern).replace(".*", "[^/]*")
