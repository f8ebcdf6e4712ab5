"""One mirror's folder: the source the engine asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from kbsync.config import MirrorConfig
from kbsync.engine.ports import FileRow, Payload, Seen
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import FileState, Present, Skipped, Stat, Unknown
from kbsync.model.file_types import extension, is_text
from kbsync.source.classify import FileEntry
from kbsync.source.file_rules import FileRules
from kbsync.source.lookup import look
from kbsync.source.mounts import mount_points
from kbsync.source.openat import FOLDER, REPLACED, os_reason
from kbsync.source.payload import FilePayload, ReadFiles, payload
from kbsync.source.scan import root_fault, scan


class Folder:
    """A mirror's folder; implements `kbsync.engine.ports.Source`. Safe to ask from many threads."""

    def __init__(self, config: MirrorConfig) -> None:
        self._rules = FileRules(config)
        self._read = ReadFiles()

    def scan(self) -> Iterator[Seen]:
        """Walk the folder once, in code point order of the key path."""
        return scan(self._rules)

    def device(self) -> int | None:
        """Return the number of the device the root is on, None when it cannot be asked."""
        try:
            return os.stat(self._rules.root).st_dev  # noqa: PTH116 - as the walk does
        except OSError:
            return None

    def mounts(self) -> frozenset[str]:
        """Return the key paths below the root that something is mounted on."""
        return mount_points(self._rules.root)

    def expect(self, mounts: AbstractSet[str]) -> None:
        """Tell from now on of what is looked at below `mounts` where nothing is mounted there."""
        self._rules.expected = frozenset(mounts)

    def look(self, path: str) -> FileState:
        """Say what stands at `path` now, without reading its content."""
        with ExitStack() as closing:
            _, found = self._located(closing, path)
            return self._present(found.row, found) if isinstance(found, FileEntry) else found

    def read(self, path: str, *, fresh: bool = False) -> FileState:
        """Like `look`, and hash what would be sent: a `Present` has its `content`.

        Its stat is of the file that was read, without a change time while that is too young.

        Args:
            path: key path.
            fresh: read the file even where what it held is remembered by its stat.
        """
        with ExitStack() as closing:
            opened = self._opened(closing, path, fresh=fresh)
            if not isinstance(opened, tuple):
                return opened
            present, sent = opened
            try:
                body = sent.whole()
            except OSError as error:
                return self._unknown(path, says.FILE_UNREADABLE(cause=os_reason(error)))
            if sent.torn():
                return self._unknown(path, says.TORN())
            self._read.note(sent.file, body, text=self._is_text(path))
            return replace(present, stat=sent.stat, content=body.content)

    @contextmanager
    def open(self, path: str) -> Iterator[Payload | Unknown]:
        """Open `path` for upload, never following a link out of the root."""
        with ExitStack() as closing:
            opened = self._opened(closing, path)
            if isinstance(opened, tuple):
                yield opened[1]
            elif isinstance(opened, Unknown | Skipped):
                yield self._unknown(path, opened.why)
            else:
                yield self._unknown(path, says.REPLACED(cause="nothing to upload"))

    def _located(self, closing: ExitStack, path: str) -> tuple[int, FileEntry | FileState]:
        root = self._rules.root
        try:
            fd = os.open(root, FOLDER)
        except OSError as error:
            return -1, self._unknown(path, root_fault(root, error))
        closing.callback(os.close, fd)
        return fd, look(self._rules, fd, path)

    def _opened(
        self, closing: ExitStack, path: str, *, fresh: bool = False
    ) -> FileState | tuple[Present, FilePayload]:
        fd, found = self._located(closing, path)
        if not isinstance(found, FileEntry):
            return found
        rules, name = self._rules, path.rpartition("/")[2]
        text = self._is_text(path)
        opening = payload(
            fd,
            found.steps,
            name=name,
            text=text,
            known=None if fresh else self._read,
            trust_ctime=rules.config.trust_ctime,
        )
        try:
            sent = closing.enter_context(opening)
        except OSError as error:
            why = says.REPLACED if error.errno in REPLACED else says.FILE_UNREADABLE
            return self._unknown(path, why(cause=os_reason(error)))
        verdict = rules.verdict(path, name, sent.file.found)
        if isinstance(verdict, Skipped):
            return verdict
        # Text can shrink to nothing but its byte order mark, or grow when it becomes UTF-8.
        refusal = rules.too_large(sent.size) if sent.size else says.EMPTY()
        return rules.skipped(path, refusal) if refusal else (self._present(verdict, found), sent)

    def _is_text(self, path: str) -> bool:
        """Whether the file at `path` is sent as UTF-8."""
        return self._rules.config.convert == "utf-8" and is_text(extension(path.rpartition("/")[2]))

    def _present(self, row: FileRow, found: FileEntry) -> Present:
        path, *stat = row
        return Present(key=self._rules.key(path), stat=Stat(*stat), unmounted=found.unmounted)

    def _unknown(self, path: str, why: Notice) -> Unknown:
        return Unknown(key=self._rules.key(path), why=why)
