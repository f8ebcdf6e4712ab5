"""What `kbsync export` does: a base is listed whole, then its documents come one by one.

A run again goes on: what stands in the folder as it was written, of a file that was not replaced
at the server, is not downloaded once more.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from kbsync.app.export.content import Left
from kbsync.app.export.folder import OWN, ExportFolder
from kbsync.app.export.listing import ListedDocument, listed, of_people
from kbsync.app.export.one_document import DocumentExport
from kbsync.app.export.paths import Places, path_for
from kbsync.app.export.source_base import SourceBase
from kbsync.app.export.state import ExportState, Origin, PlacedDocument
from kbsync.dify.paging import PAGE_LIMIT
from kbsync.dify.schemas import KnowledgeBaseRow
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Exit, Notice, Problem
from kbsync.messages import export as say
from kbsync.model import Capability
from kbsync.model.file_types import extension
from kbsync.planning.document_names import document_name

TRIES = 3
STATE = "state.db"
MAP = "documents.csv"
# So many documents in a row without an answer: it is the server.
AWAY = 5
# More names than these scroll the rest off the screen.
NAMED = 20
# More paths than these are no configuration that a person reads.
MOST_OTHERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftDocument:
    """A document that is not exported, or not all of it."""

    path: str
    name: str
    document_id: str
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportForecast:
    """What an export costs, as far as the listing tells.

    Args:
        documents: how many there are.
        bytes: of their files; characters of texts.
    """

    documents: int
    bytes: int


@dataclass(slots=True, kw_only=True)
class Export:
    """What came of an export.

    Args:
        base: as it was when the export began.
        map: which file is which document, for `kbsync adopt --map`.
        fields: types of the base's metadata fields by name, those of marks left out.
        tags: names of its tags.
        origins: documents that stand in the folder, by what their files are made of.
        written: documents of which something was written by this run.
        bytes: of all their files.
        other_names: documents that a mirror of the folder would call by another name.
        left: documents that are not exported, in the order of their paths.
        left_over: files of documents that an earlier run wrote and that are not there any more.
        extensions: of all files.
        rules: documents by their process rule, form and language, as JSON; empty where not told.
        others: paths of documents that have another of `rules` than most, by that rule; at most
            `MOST_OTHERS` of them.
        largest: bytes of the largest file.
        mirrors: that documents are marked by.
        unmarked: documents that carry no mark.
        notices: what has to be said of the whole.
    """

    base: KnowledgeBaseRow
    map: Path
    fields: Mapping[str, str] = field(default_factory=dict)
    tags: Sequence[str] = ()
    origins: Counter[Origin] = field(default_factory=Counter)
    written: int = 0
    bytes: int = 0
    other_names: int = 0
    left: list[LeftDocument] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    extensions: set[str] = field(default_factory=set)
    rules: Counter[str] = field(default_factory=Counter)
    others: dict[str, list[str]] = field(default_factory=dict)
    largest: int = 0
    mirrors: set[str] = field(default_factory=set)
    unmarked: int = 0
    notices: list[Notice] = field(default_factory=list)

    @property
    def documents(self) -> int:
        """How many documents stand in the folder."""
        return self.origins.total()

    @property
    def exit(self) -> Exit:
        """Whether everything was exported."""
        unsound = any(each.message.exit is Exit.INCOMPLETE for each in self.notices)
        return Exit.INCOMPLETE if self.left or unsound else Exit.OK


async def begun(base: SourceBase, folder: Path) -> Export:
    """Return an export of which nothing is done yet, with what is known of its base.

    Raises:
        Problem: the base is not there, or the server could not be asked.
    """
    row, fields = await base.row(), await base.fields()
    return Export(
        base=row,
        map=folder / OWN / MAP,
        fields={name: kind for name, kind in fields.items() if of_people(name)},
        tags=await base.tags(),
    )


class BaseExport:
    """Exports one base to one folder.

    Args:
        base: that is exported.
        folder: that it goes to.
        state: of the export to that folder.
        chunks: write a file with the chunks of each document, too.
        at_once: documents that are read side by side.
    """

    def __init__(
        self,
        base: SourceBase,
        folder: ExportFolder,
        state: ExportState,
        *,
        chunks: bool,
        at_once: int,
    ) -> None:
        self._base = base
        self._folder = folder
        self._state = state
        self._at_once = at_once
        self._places = Places()
        self._documents = DocumentExport(
            base, folder, state, chunks=chunks, text_path=self._text_path
        )
        self._unanswered = 0

    async def list_documents(self) -> tuple[ExportForecast, list[Notice]]:
        """List all documents, and give each its path.

        Raises:
            Problem: the server could not be asked.
        """
        complete = False
        for _ in range(TRIES):
            if complete := await self._listed_once():
                break
        # A path that a document has had stays its own, whatever came since.
        total = sum(self._keep_place(each) for each in self._state.unplaced())
        total += sum(self._place(each) for each in self._state.unplaced())
        base = self._base.id
        notices = [] if complete else [say.LISTING_MOVED(base=base)]
        return ExportForecast(documents=self._state.listed, bytes=total), notices

    async def _listed_once(self) -> bool:
        """Read every page; whether none was moved meanwhile."""
        self._state.begin_listing()
        totals, number = set[int](), 1
        while True:
            page = await self._base.page(number)
            totals.add(page.total)
            self._state.add(map(listed, page.rows))
            # An empty page ends it too: a total that never shrinks would loop for ever.
            if not page.rows or number * PAGE_LIMIT >= page.total:
                return totals == {self._state.listed}
            number += 1

    def _keep_place(self, document: ListedDocument) -> int:
        """Give a document the path it had; return the size of what it was made of."""
        before = self._state.exported(document.id)
        if before is None or before.name != document.name or not self._places.take(before.path):
            return 0
        if extension(before.path) != extension(self._wanted(document)):
            return 0  # its text went there, and its file may be had now
        self._state.place(document.id, before.path)
        return document.size or 0

    def _place(self, document: ListedDocument) -> int:
        """Give a document a path of its own; return the size of what it was made of."""
        self._state.place(document.id, self._places.placed(self._wanted(document)))
        return document.size or 0

    def _wanted(self, document: ListedDocument) -> str:
        whole = document.has_file and self._base.able(Capability.DOWNLOAD)
        known = document.extension if whole else "txt"
        return path_for(document.name, extension=known, marked=document.marked)

    def _text_path(self, document: ListedDocument, path: str) -> str:
        """Return where a document goes whose file could not be had."""
        before = self._state.exported(document.id)
        if before and before.name == document.name and before.origin is Origin.CHUNKS:
            return before.path
        wanted = path_for(document.name, extension="txt", marked=document.marked)
        return path if extension(path) == extension(wanted) else self._places.placed(wanted)

    async def carry_out(self, report: Export, observe: Callable[[], None]) -> None:
        """Export what was listed.

        Args:
            report: gets what came of it.
            observe: called after each document.

        Raises:
            Problem: the server refuses or does not answer, or the folder takes nothing more.
        """

        async def one(placed: PlacedDocument) -> None:
            try:
                await self._one(placed, report)
            finally:
                observe()

        await side_by_side(self._state.placed(), one, at_once=self._at_once)
        report.left.sort(key=lambda each: each.path)
        self._find_left_over(report)
        self._find_others(report)
        self._write_map()

    async def _one(self, placed: PlacedDocument, report: Export) -> None:
        document = placed.document
        try:
            what, written = await self._documents.export(placed)
        except Left as left:
            self._unanswered = self._unanswered + 1 if left.away else 0
            if self._unanswered >= AWAY:
                raise Problem(left.why) from None
            words = {"path": placed.path, "name": document.name, "document_id": document.id}
            report.left.append(LeftDocument(why=left.why, **words))
            return
        self._unanswered = 0
        report.origins[what.origin] += 1
        report.written += written
        report.bytes += what.size
        report.largest = max(report.largest, what.size)
        report.extensions.add(extension(what.path))
        report.rules[what.rule] += 1
        report.unmarked += document.mirror is None
        if document.mirror is not None:
            report.mirrors.add(document.mirror)
        report.other_names += document_name(what.path) != document.name

    def _find_left_over(self, report: Export) -> None:
        """Name the files of documents that are gone; forget those that are gone as well."""
        for document, what in list(self._state.all_exported(still_listed=False)):
            if self._folder.has(what.path):
                report.left_over.append(what.path)
            else:
                self._state.forget(document)
        files = [str(self._folder.path / path) for path in report.left_over]
        if files:
            words = {"count": len(files), "base": report.base.name, "files": files[:NAMED]}
            report.notices.append(say.LEFT_OVER(**words))

    def _find_others(self, report: Export) -> None:
        """Name the documents that have another rule than most."""
        most = next((rule for rule, _ in report.rules.most_common() if rule), "")
        found = 0
        for _, what in self._state.all_exported(still_listed=True):
            if what.rule and what.rule != most and found < MOST_OTHERS:
                report.others.setdefault(what.rule, []).append(what.path)
                found += 1

    def _write_map(self) -> None:
        with self._folder.part() as part:
            for line in ("path,document_id\n", *self._map_lines()):
                part.write(line.encode())
            self._folder.keep(part, MAP)

    def _map_lines(self) -> Iterator[str]:
        for document, what in self._state.all_exported(still_listed=True):
            line = io.StringIO()
            csv.writer(line, lineterminator="\n").writerow((what.path, document))
            yield line.getvalue()
