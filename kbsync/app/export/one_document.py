"""One document of an export: its file, its metadata and its chunks, each put in its place."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import anyio.to_thread

from kbsync.app.export.content import DocumentContent, Left
from kbsync.app.export.folder import ExportFolder, Part, Put
from kbsync.app.export.listing import ListedDocument
from kbsync.app.export.paths import CHUNKS, SIDECAR
from kbsync.app.export.sidecar import chunk_lines, sidecar
from kbsync.app.export.source_base import HIERARCHICAL, SourceBase
from kbsync.app.export.state import Exported, ExportState, Origin, PlacedDocument
from kbsync.dify.schemas import ChunkRow
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import export as say
from kbsync.source.openat import os_reason

QA = "qa_model"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE})


@dataclass(slots=True, kw_only=True)
class Step:
    """One document that is being exported.

    Args:
        document: as it was listed.
        path: of its file.
        before: what an earlier run wrote for it.
        written: something of it was written by this run.
    """

    document: ListedDocument
    path: str
    before: Exported | None
    written: bool = False


class DocumentExport:
    """Exports one document after the other, or side by side.

    Args:
        base: that they are in.
        folder: that they go to.
        state: what was written.
        chunks: write a file with the chunks of each, too.
        text_path: where a document goes whose text alone could be had.
    """

    def __init__(
        self,
        base: SourceBase,
        folder: ExportFolder,
        state: ExportState,
        *,
        chunks: bool,
        text_path: Callable[[ListedDocument, str], str],
    ) -> None:
        self._base = base
        self._folder = folder
        self._state = state
        self._chunks = chunks
        self._text_path = text_path
        self._content = DocumentContent(base, folder.part)

    async def export(self, placed: PlacedDocument) -> tuple[Exported, bool]:
        """Export one document; return what stands in the folder, and whether it was written now.

        Raises:
            Left: it is not exported, or not all of it.
            Problem: nothing can be exported any more.
        """
        document, path = placed
        before = self._state.exported(document.id) or self._state.inherited(document.id, path)
        step = Step(document=document, path=path, before=before)
        with _in_words(self._folder, step):
            self._moved(step)
            what = await self._file(step)
            self._state.note(document.id, what)
            what = await self._sidecar(step, what)
            if self._chunks:
                what = await self._chunk_file(step, what)
            self._state.note(document.id, what)
        return what, step.written

    # -- its file

    def _moved(self, step: Step) -> None:
        """Give the file of a document that was renamed its new place."""
        before = step.before
        if before is None or before.path == step.path or before.name == step.document.name:
            return
        self._drop(before.path + SIDECAR, before.sidecar)
        self._drop(before.path + CHUNKS, before.chunks)
        step.before = replace(before, sidecar=None, chunks=None)
        stands = self._folder.hash_of(before.path) == before.content
        if stands and self._folder.hash_of(step.path) is None:
            self._folder.move(before.path, step.path)
            step.before = replace(step.before, path=step.path)
            step.written = True

    def _drop(self, path: str, content: str | None) -> bool:
        """Remove a file that an earlier run wrote, and that is still as it was written."""
        return content is not None and self._folder.remove(path, if_still=content)

    async def _file(self, step: Step) -> Exported:
        before, document = step.before, step.document
        if before is not None and await self._stands(step, before):
            return replace(before, name=document.name)
        with self._folder.part() as part:
            rule = await self._content.rule(document)
            origin, rev = await self._content.write(document, part, rule)
            if origin is Origin.CHUNKS:
                step.path = self._text_path(document, step.path)
            await self._put(step, part, step.path, before.content if before else None)
            if before is not None and before.path != step.path:
                self._drop(before.path, before.content)
            return Exported(
                path=step.path,
                name=document.name,
                rev=rev,
                origin=origin,
                content=part.content,
                size=part.size,
                sidecar=before.sidecar if before else None,
                chunks=before.chunks if before else None,
                rule=rule,
            )

    async def _stands(self, step: Step, before: Exported) -> bool:
        """Whether the file of the document is in the folder already, as the server has it."""
        same = before.rev == step.document.rev != "" and before.path == step.path
        if not same or before.origin is Origin.CHUNKS:
            return False
        standing = await anyio.to_thread.run_sync(self._folder.hash_of, step.path)
        return standing == before.content

    async def _put(self, step: Step, part: Part, path: str, replacing: str | None) -> None:
        put = await anyio.to_thread.run_sync(
            lambda: self._folder.put(part, path, replacing=replacing)
        )
        if put is Put.DIFFERS:
            raise Left(say.FILE_DIFFERS(path=self._folder.path / path))
        step.written = step.written or put is Put.WRITTEN

    async def _chunk_file(self, step: Step, what: Exported) -> Exported:
        document = step.document
        with self._folder.part() as part:

            async def take(row: ChunkRow) -> None:
                if document.form == HIERARCHICAL and not row.children:
                    children = [each async for each in self._base.children(document.id, row.id)]
                    row = row.model_copy(update={"children": tuple(children)})
                for line in chunk_lines([row], qa=document.form == QA):
                    part.write(line.encode())

            await self._content.each_chunk(document, part.begin, take)
            await self._put(step, part, step.path + CHUNKS, what.chunks)
            return replace(what, chunks=part.content)

    # -- what else is known of it

    async def _sidecar(self, step: Step, what: Exported) -> Exported:
        text, path = sidecar(step.document), step.path + SIDECAR
        if text:
            with self._folder.part() as part:
                part.write(text.encode())
                await self._put(step, part, path, what.sidecar)
                return replace(what, sidecar=part.content)
        if what.sidecar and self._folder.remove(path, if_still=what.sidecar):
            step.written = True
        return replace(what, sidecar=None)


@contextmanager
def _in_words(folder: ExportFolder, step: Step) -> Iterator[None]:
    """Say what a fault of the disk means: for this document, or for all.

    Raises:
        Left, Problem: instead of an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise Problem(say.FOLDER_UNUSABLE(folder=folder.path, why=os_reason(error))) from None
        path = folder.path / step.path
        raise Left(say.FILE_UNWRITABLE(path=path, why=os_reason(error))) from None
