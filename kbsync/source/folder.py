"""One mirror's folder: the source the engine asks."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from kbsync.config import MirrorConfig
from kbsync.engine.ports import FileRow, Known, Payload, Seen
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import (
    DocumentRule,
    DocumentRules,
    FileFacts,
    FileState,
    Present,
    Sidecar,
    Skipped,
    Stat,
    Unknown,
)
from kbsync.model.file_types import extension
from kbsync.planning.path_range import EVERYTHING, PathRange
from kbsync.source.classify import FileEntry
from kbsync.source.conversion import RICH, Conversion, Converted
from kbsync.source.convert.links import MARKDOWN
from kbsync.source.convert.markdown_loss import loses
from kbsync.source.convert.sending import FILE
from kbsync.source.delimited import lines, loses_rows
from kbsync.source.document_rules import LONGEST_CHUNK, RulesOfMirror
from kbsync.source.emptiness import is_blank
from kbsync.source.encoding import BLOCK
from kbsync.source.file_rules import FileRules
from kbsync.source.lookup import look
from kbsync.source.mounts import mount_points
from kbsync.source.openat import FOLDER
from kbsync.source.own_files import OwnFiles
from kbsync.source.owner import owner_of
from kbsync.source.payload import (
    FilePayload,
    OpenFile,
    ReadFiles,
    open_file,
    own_content,
    payload,
)
from kbsync.source.root import root_fault
from kbsync.source.scan import scan
from kbsync.source.sidecar import Sidecars
from kbsync.source.soundness import fault
from kbsync.source.unread import why_not_opened, why_unread
from kbsync.source.yaml_fields import NotUsableError

_OF_ITS_TYPE = RICH | {""}
"""What becomes of a file whose bytes are to be those of its type."""


class Folder:
    """A mirror's folder; implements `kbsync.engine.ports.Source`. Safe to ask from many threads.

    Args:
        config: the mirror as declared.
        own: files that kbsync itself writes, each with what it is; its output need not be named.
        longest_chunk: characters, as its server has them.
    """

    def __init__(
        self,
        config: MirrorConfig,
        own: Mapping[Path, str] | None = None,
        *,
        longest_chunk: int = LONGEST_CHUNK,
    ) -> None:
        self._document_rules = RulesOfMirror(config, longest=longest_chunk)
        self._rules = FileRules(config, OwnFiles(own or {}), self._document_rules)
        self._conversions: dict[DocumentRule, Conversion] = {}
        self._read = ReadFiles()
        self._sidecars = Sidecars()

    @property
    def document_rules(self) -> DocumentRules:
        """What the document of each path becomes."""
        return self._document_rules

    def _conversion(self, path: str) -> Conversion:
        rule = self._document_rules.of(path)
        found = self._conversions.get(rule)
        if found is None:
            convert = self._rules.config.convert == "utf-8"
            found = Conversion.declared(rule, convert=convert)
            self._conversions[rule] = found
        return found

    def scan(self, within: PathRange = EVERYTHING) -> Iterator[Seen]:
        """Walk the folder once, in code point order of the key path, as far as `within` goes."""
        return scan(self._rules, within)

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

    def glance(self, path: str) -> FileState:
        """Like `look`, and look into the file: Unknown where it is plain that it cannot be sent."""
        with ExitStack() as closing:
            fd, found = self._located(closing, path)
            if not isinstance(found, FileEntry):
                return found
            seen = self._glanced(fd, found.steps, path)
            if seen.skip:
                return self._rules.skipped(path, seen.skip)
            return (
                self._unknown(path, seen.doubt) if seen.doubt else self._present(found.row, found)
            )

    def _glanced(self, root: int, steps: tuple[str, ...], path: str) -> Converted:
        ending, conversion = _ending(path), self._conversion(path)
        kind = conversion.of(path.rpartition("/")[2])
        try:
            with open_file(root, steps) as file:
                seen = Converted()
                if kind:
                    seen = conversion.glanced(file.fd, kind, folder=file.parent, ending=ending)
                if seen != Converted() or kind not in _OF_ITS_TYPE:
                    return seen
                return Converted(doubt=fault(file.fd, ending))
        except OSError:
            return Converted()  # said when it is read

    def loses_text(self, path: str) -> bool:
        """Whether a server would lose text of the Markdown or CSV at `path`, as it is sent."""
        ending = _ending(path)
        if self._document_rules.of(path).send != FILE or ending not in MARKDOWN | {"csv"}:
            return False
        with ExitStack() as closing:
            opened = self._opened(closing, path, None)
            if not isinstance(opened, tuple):
                return False
            sent = _lines_of(opened[1])
            return loses_rows(sent) if ending == "csv" else loses(sent, components=ending == "mdx")

    def read(
        self,
        path: str,
        taken: str | None = None,
        *,
        fresh: bool = False,
        known: Known | None = None,
    ) -> FileState:
        """Like `look`, and hash what would be sent: a `Present` has its `content`.

        Its stat is of the file that was read, without a change time while that is too young.

        Args:
            path: key path.
            taken: what its text was taken as when it was sent; None where that is not known.
            fresh: read the file even where what it held is remembered by its stat.
            known: what its own bytes became: where it still has them it is not converted again.
        """
        if known is not None and (unchanged := self._unchanged(path, taken, known)):
            return unchanged
        with ExitStack() as closing:
            opened = self._opened(closing, path, taken, fresh=fresh)
            if not isinstance(opened, tuple):
                return opened
            present, sent = opened
            try:
                body = sent.whole()
            except OSError as error:
                return self._unknown(path, why_unread(error))
            if sent.torn():
                return self._unknown(path, says.TORN())
            kind = self._conversion(path).remembered_as(path.rpartition("/")[2])
            text = sent.text() if body.source else None
            self._read.note(sent.file, body, kind=kind, text=text)
            return replace(
                present,
                stat=sent.stat,
                content=body.content,
                taken=body.taken,
                source=body.source,
            )

    def _unchanged(self, path: str, taken: str | None, known: Known) -> Present | None:
        """Return a file that would be converted and has the known bytes; None otherwise."""
        if self._conversion(path).of(path.rpartition("/")[2]) not in RICH:
            return None
        with ExitStack() as closing:
            fd, found = self._located(closing, path)
            if not isinstance(found, FileEntry):
                return None
            trust = self._rules.config.trust_ctime
            try:
                file = closing.enter_context(open_file(fd, found.steps, trust_ctime=trust))
                if own_content(file.fd) != known.source or file.torn():
                    return None
            except OSError:
                return None  # said when it is read
            return replace(
                self._present(found.row, found),
                stat=file.stat,
                content=known.content,
                taken=taken,
                source=known.source,
            )

    def sidecar(self, path: str) -> Sidecar | None:
        """Return what the file beside `path` says of its document, None where there is none."""
        with ExitStack() as closing:
            fd, found = self._located(closing, path, blank=True)
            return self._sidecars.of(fd, found.named) if isinstance(found, FileEntry) else None

    def facts(self, path: str, taken: str | None = None) -> FileFacts | FileState:
        """Return what of the file at `path` becomes metadata, or what stands there instead.

        Args:
            path: key path.
            taken: what its text was taken as when it was sent; None where that is not known.
        """
        with ExitStack() as closing:
            fd, found = self._located(closing, path)
            if not isinstance(found, FileEntry):
                return found
            try:
                trust = self._rules.config.trust_ctime
                file = closing.enter_context(open_file(fd, found.steps, trust_ctime=trust))
                facts = self._facts(file, path, taken)
            except OSError as error:
                return self._unknown(path, why_not_opened(error))
            return self._unknown(path, says.TORN()) if file.torn() else facts

    def _facts(self, file: OpenFile, path: str, taken: str | None) -> FileFacts:
        conversion, name = self._conversion(path), path.rpartition("/")[2]
        owner = owner_of(file.found)
        try:
            read = conversion.front_matter(file.fd, name, folder=file.parent, before=taken)
        except NotUsableError as error:
            fault = says.FRONT_MATTER_BROKEN(cause=str(error))
            return FileFacts(stat=file.stat, owner=owner, fault=fault)
        return FileFacts(stat=file.stat, owner=owner, front_matter=read)

    @contextmanager
    def open(self, path: str, taken: str | None = None) -> Iterator[Payload | Unknown]:
        """Open `path` for upload, never following a link out of the root.

        Args:
            path: key path.
            taken: what its text was taken as when it was sent; None where that is not known.
        """
        with ExitStack() as closing:
            opened = self._opened(closing, path, taken, ready=True)
            if isinstance(opened, tuple):
                yield opened[1]
            elif isinstance(opened, Unknown | Skipped):
                yield self._unknown(path, opened.why)
            else:
                yield self._unknown(path, says.REPLACED(cause="nothing to upload"))

    def _located(
        self, closing: ExitStack, path: str, *, blank: bool = False
    ) -> tuple[int, FileEntry | FileState]:
        """Open the root and look for `path` below it; `blank`: a blank file is one too."""
        root = self._rules.root
        try:
            fd = os.open(root, FOLDER)
        except OSError as error:
            return -1, self._unknown(path, root_fault(root, error))
        closing.callback(os.close, fd)
        self._rules.own.look_again()
        found = look(self._rules, fd, path)
        if isinstance(found, FileEntry) and not blank and is_blank(fd, found):
            return fd, self._rules.skipped(path, says.EMPTY())
        return fd, found

    def _opened(
        self,
        closing: ExitStack,
        path: str,
        taken: str | None,
        *,
        fresh: bool = False,
        ready: bool = False,
    ) -> FileState | tuple[Present, FilePayload]:
        fd, found = self._located(closing, path)
        if not isinstance(found, FileEntry):
            return found
        rules = self._rules
        opening = payload(
            fd,
            found.steps,
            path=path,
            conversion=self._conversion(path),
            known=None if fresh else self._read,
            before=taken,
            trust_ctime=rules.config.trust_ctime,
            ready=ready,
        )
        try:
            sent = closing.enter_context(opening)
        except OSError as error:
            return self._unknown(path, why_not_opened(error))
        verdict = rules.verdict(path, sent.file.found)
        if isinstance(verdict, Skipped):
            return verdict
        if sent.skip:
            return rules.skipped(path, sent.skip)
        if why := self._unsound(sent, path) or sent.doubt:
            return self._unknown(path, why)
        # Text can shrink to nothing but its byte order mark, or grow when it becomes UTF-8.
        refusal = rules.too_large(sent.size) if sent.size else says.EMPTY()
        return rules.skipped(path, refusal) if refusal else (self._present(verdict, found), sent)

    def _present(self, row: FileRow, found: FileEntry) -> Present:
        path, *stat = row
        return Present(key=self._rules.key(path), stat=Stat(*stat), unmounted=found.unmounted)

    def _unknown(self, path: str, why: Notice) -> Unknown:
        return Unknown(key=self._rules.key(path), why=why)

    def _unsound(self, sent: FilePayload, path: str) -> Notice | None:
        if self._conversion(path).of(path.rpartition("/")[2]) not in _OF_ITS_TYPE:
            return None
        try:
            return fault(sent.file.fd, _ending(path))
        except OSError as error:
            return why_unread(error)


def _lines_of(sent: FilePayload) -> Iterator[str]:
    """Yield the lines of what is sent; none more once it cannot be read."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def pieces() -> Iterator[str]:
        with suppress(OSError):
            while block := sent.read(BLOCK):
                yield decoder.decode(block)

    return lines(pieces())


def _ending(path: str) -> str:
    return extension(path.rpartition("/")[2])
