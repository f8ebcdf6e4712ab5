"""What a document is made of, read from its server: its file, or else the text of its chunks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NoReturn

from kbsync.app.export.chunk_text import BETWEEN, Joining, behind_end, missing_end, overlap_of
from kbsync.app.export.folder import Part
from kbsync.app.export.listing import ListedDocument, listed
from kbsync.app.export.source_base import SourceBase, reason_of
from kbsync.app.export.state import Origin
from kbsync.app.export.text_end import TextLook, look_at
from kbsync.dify.paging import PAGE_LIMIT
from kbsync.dify.schemas import ChunkRow, ListPage
from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.messages import export as say
from kbsync.messages import remote as remote_say
from kbsync.model import (
    Capability,
    Done,
    Failure,
    Gone,
    NotReady,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
)

TRIES = 3
# A character of a text, which is what servers count, is at most so many bytes.
WIDEST = 4
# Where the size of a file is not told.
LARGEST = 1 << 30
# A longer text is not looked at for a missing end.
LONGEST_TEXT = 16 << 20
# Rules of documents that are remembered; most bases have one or two.
MOST_RULES = 1000


class Left(Exception):  # noqa: N818 - a state of one document, no error of ours
    """A document that is not exported, and why.

    Args:
        why: what keeps it.
        away: the server did not answer, as it may not for any other document.
    """

    def __init__(self, why: Notice, *, away: bool = False) -> None:
        self.why = why
        self.away = away
        super().__init__(str(why))


class DocumentContent:
    """Reads what documents are made of.

    Args:
        base: that they are in.
        scratch: a file that is gone when it is closed.
    """

    def __init__(
        self, base: SourceBase, scratch: Callable[[], AbstractContextManager[Part]]
    ) -> None:
        self._base = base
        self._scratch = scratch
        self._rules: dict[str, str] = {}

    async def write(self, document: ListedDocument, part: Part, rule: str) -> tuple[Origin, str]:
        """Write what a document is made of.

        Args:
            document: as it was listed.
            part: gets it.
            rule: as `rule` returns.

        Returns:
            What was written, and the rev of the document by then.

        Raises:
            Left: nothing whole can be had.
            Problem: nothing of any document can be had.
        """
        for _ in range(TRIES):
            if not (document.has_file and self._base.able(Capability.DOWNLOAD)):
                break
            outcome = await self._base.original(document.id, largest=_largest(document), into=part)
            match outcome:
                case Done(value=original) if original.whole and document.size in (None, part.size):
                    return await self._whole(document, part, rule), document.rev
                case Done():
                    document = await self._newer(document, part)
                    continue
                case Gone():
                    await self._must_be_there(document)
                case Rejected(why=why) if why.message in (
                    remote_say.NO_DOWNLOADS,
                    remote_say.FILE_REFUSED,
                ):
                    pass
                case _:
                    left("download document", outcome)
            break
        part.begin()
        if not await self._write_text(document, part, rule):
            words = {"base": self._base.id, "document": document.id, "state": document.state}
            raise Left(say.NOTHING_STORED(**words))
        return Origin.CHUNKS, document.rev

    async def _newer(self, document: ListedDocument, part: Part) -> ListedDocument:
        """Return the document as it is now; its file was replaced meanwhile.

        Raises:
            Left: it was not: the server has not all of it.
        """
        found = await self._base.document(document.id)
        if isinstance(found, Done) and found.value.rev not in ("", document.rev):
            now = listed(found.value)
            return replace(document, rev=now.rev, size=now.size, extension=now.extension)
        words = {"base": self._base.id, "document": document.id}
        raise Left(say.CUT_SHORT(stored=part.size, expected=document.size or "?", **words))

    async def _must_be_there(self, document: ListedDocument) -> None:
        if await self._base.is_gone(document.id):
            raise Left(say.VANISHED())

    async def _whole(self, document: ListedDocument, part: Part, rule: str) -> Origin:
        """Complete a text whose end the server did not give out (docs/dify-api.md 6.6)."""
        look = look_at(part) if document.extension == "txt" else None
        if look is None:
            return Origin.ORIGINAL
        if not (look.torn or document.by_text):
            return await self._doubtful(document, part, look, rule)
        end = await self._end(document, part, look, rule)
        if end is None:
            return await self._instead(document, part, look, rule)
        return _completed(part, look, end)

    async def _doubtful(
        self, document: ListedDocument, part: Part, look: TextLook, rule: str
    ) -> Origin:
        """Complete what may be a file, which is whole: it has fewer characters than bytes, too."""
        try:
            last = await self._last_chunks(document, _overlap(rule))
        except Left as left:
            if left.away:
                raise
            return Origin.DOUBTFUL
        # What was added to the chunks by hand begins with a chunk.
        end = missing_end(look.end, last, part.size - look.characters)
        if end and not end.startswith(BETWEEN):
            return _completed(part, look, end)
        behind = behind_end(look.end, last)
        whole = behind is not None and (not behind or behind.startswith(BETWEEN))
        return Origin.ORIGINAL if whole else Origin.DOUBTFUL

    async def _instead(
        self, document: ListedDocument, part: Part, look: TextLook, rule: str
    ) -> Origin:
        """Write the text of the chunks in the place of a text without its end."""
        recorded = part.size
        part.begin()
        if await self._write_text(document, part, rule):
            return Origin.CHUNKS
        words = {"base": self._base.id, "document": document.id}
        raise Left(command_say.TEXT_CUT_OFF(stored=look.characters, expected=recorded, **words))

    async def _end(
        self, document: ListedDocument, part: Part, look: TextLook, rule: str
    ) -> str | None:
        """Return what is missing of a text, None where its chunks do not tell."""
        missing = part.size - look.characters
        last = await self._last_chunks(document, _overlap(rule))
        end = missing_end(look.end, last, missing)
        if end is not None or part.size > LONGEST_TEXT:
            return end
        with self._scratch() as chunks:
            await self._write_text(document, chunks, rule)
            whole = b"".join(chunks.blocks()).decode("utf-8", "replace")
        end = missing_end(look.end, whole, missing)
        if end is None and (end := behind_end(look.end, whole)) is not None:
            # What was cut between two words is cut in front of the blank.
            return end.removeprefix(look.end[len(look.end.rstrip()) :])
        return end

    async def _last_chunks(self, document: ListedDocument, overlap: int) -> str:
        """Return the text of the last chunks, a hundred at most."""
        found, number = await self._chunk_page(document, 1), 1
        if found.total > len(found.rows) and (number := -(-found.total // PAGE_LIMIT)) > 1:
            found = await self._chunk_page(document, number)
        joining = Joining(overlap)
        return "".join(joining.add(row.content) for row in found.rows)

    async def _write_text(self, document: ListedDocument, part: Part, rule: str) -> int:
        """Write the text of all chunks; return how many there are."""
        joining = Joining(0)

        def begin() -> None:
            nonlocal joining
            part.begin()
            joining = Joining(_overlap(rule))

        async def take(row: ChunkRow) -> None:
            text = f"{row.content}\n{row.answer}" if row.answer else row.content
            part.write(joining.add(text).encode("utf-8", "replace"))

        count = await self.each_chunk(document, begin, take)
        if part.size:
            part.write(b"\n")
        return count if part.size else 0

    async def each_chunk(
        self,
        document: ListedDocument,
        begin: Callable[[], None],
        take: Callable[[ChunkRow], Awaitable[None]],
    ) -> int:
        """Give every chunk to `take`, in their order; begin again where they change meanwhile.

        Raises:
            Left: they do not come to rest, or cannot be read.
        """
        for _ in range(TRIES):
            begin()
            totals, ids, number = set[int](), set[str](), 1
            while True:
                page = await self._chunk_page(document, number)
                totals.add(page.total)
                new = [row for row in page.rows if row.id not in ids]
                for row in new:
                    ids.add(row.id)
                    await take(row)
                if not new or len(ids) >= page.total:
                    break
                number += 1
            if totals == {len(ids)}:
                return len(ids)
        raise Left(say.CHUNKS_MOVED())

    async def _chunk_page(self, document: ListedDocument, number: int) -> ListPage[ChunkRow]:
        found = await self._base.chunks(document.id, number)
        if isinstance(found, Done):
            return found.value
        if isinstance(found, Gone):
            await self._must_be_there(document)
        left("list chunks", found)

    async def rule(self, document: ListedDocument) -> str:
        """Return the process rule and language of a document as JSON; empty where not told."""
        known = self._rules.get(document.rule_id or "")
        if known is not None or not self._base.able(Capability.GET_DOCUMENT):
            return known or ""
        found = await self._base.document(document.id)
        if not isinstance(found, Done):
            return ""
        rule = found.value.rule
        if not isinstance(rule, dict):
            return ""
        told = {name: rule.get(name) for name in ("mode", "rules")}
        words = {"rule": told, "form": document.form, "language": found.value.language}
        text = json.dumps(words, sort_keys=True)
        if document.rule_id and len(self._rules) < 1000:
            self._rules[document.rule_id] = text
        return text


def _completed(part: Part, look: TextLook, end: str) -> Origin:
    if not end and not look.torn:
        return Origin.ORIGINAL
    part.cut(part.size - look.torn)
    part.write(end.encode("utf-8", "replace"))
    return Origin.COMPLETED


def _overlap(rule: str) -> int:
    return overlap_of(json.loads(rule).get("rule") if rule else None)


def _largest(document: ListedDocument) -> int:
    return LARGEST if document.size is None else WIDEST * document.size + 1


def left(purpose: str, failure: Failure) -> NoReturn:
    """Leave one document for a call that brought nothing.

    Raises:
        Left: the call failed for this document.
        Problem: it would fail for all of them.
    """
    why = reason_of(purpose, failure)
    if isinstance(failure, Unauthorized):
        raise Problem(why)
    raise Left(why, away=isinstance(failure, NotReady | NotSent | Throttled))
