"""What a mirror takes: everything its configuration says about files, and the verdict on one."""

from __future__ import annotations

import os
import stat

from kbsync.config import MirrorConfig
from kbsync.engine.ports import FileRow
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocKey, DocumentRules, Skipped
from kbsync.source.conversion import RICH
from kbsync.source.document_rules import RulesOfMirror
from kbsync.source.filters import Filters
from kbsync.source.own_files import OwnFiles
from kbsync.source.sidecar_name import described_by
from kbsync.source.taken_types import TakenTypes

_KINDS = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


class FileRules:
    """What a mirror's configuration says about files, ready for the walk.

    Attributes:
        root: path of the source folder.
        filters: what is left out.
        types: which are taken.
        own: files that kbsync itself writes.
        documents: what the document of each path becomes.
        expected: key paths where a mount was seen before.
    """

    __slots__ = ("config", "documents", "expected", "filters", "own", "root", "types")

    def __init__(
        self, config: MirrorConfig, own: OwnFiles, documents: DocumentRules | None = None
    ) -> None:
        self.config = config
        self.documents = documents or RulesOfMirror(config)
        self.own = own
        self.root = os.fspath(config.source)
        self.filters = Filters(config)
        self.types = TakenTypes(config, self.documents)
        self.expected: frozenset[str] = frozenset()

    def key(self, path: str) -> DocKey:
        """Return the key of `path` in this mirror."""
        return DocKey(mirror=self.config.name, path=path)

    def skipped(self, path: str, why: Notice) -> Skipped:
        """Return the state of something that is there and never uploaded."""
        return Skipped(key=self.key(path), why=why)

    def verdict(self, path: str, found: os.stat_result) -> FileRow | Skipped:
        """Judge what is neither a folder nor a link.

        Args:
            path: key path, which its type is taken from.
            found: its stat.
        """
        why = self._refusal(path, found)
        if why is None:
            ctime = found.st_ctime_ns if self.config.trust_ctime else 0
            return (path, found.st_size, found.st_mtime_ns, found.st_ino, ctime)
        return self.skipped(path, why)

    def _refusal(self, path: str, found: os.stat_result) -> Notice | None:
        if not stat.S_ISREG(found.st_mode):
            return says.NO_FILE(kind=_KINDS.get(stat.S_IFMT(found.st_mode), "special file"))
        if (described := described_by(path.rpartition("/")[2])) is not None:
            return says.SIDECAR(file=described)
        if why := self.types.refusal(path):
            return why
        if what := self.own.what(found):
            return says.OWN_FILE(what=what)
        if found.st_size == 0:
            return says.EMPTY()
        # Of what is converted only what comes out has to be small.
        if found.st_size > self.config.max_file_size and self.send_of(path) in RICH:
            return None
        return self.too_large(found.st_size)

    def send_of(self, path: str) -> str:
        """Return how the file of a key path is sent."""
        return self.documents.of(path).send

    def too_large(self, size: int) -> Notice | None:
        """Return why `size` bytes are not sent, None if they are."""
        limit = self.config.max_file_size
        return says.TOO_LARGE(size=size, limit=limit) if size > limit else None
