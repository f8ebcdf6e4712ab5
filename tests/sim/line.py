"""The line to the server: the engine's `Remote`, misbehaving at every await."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TypeVar

import anyio

from kbsync.engine.ports import Assignment, Chunking, DocumentPage, Payload
from kbsync.messages import remote as say
from kbsync.model import (
    UNDECLARED,
    Ambiguous,
    Base,
    BaseSettings,
    Capabilities,
    Capability,
    ChunkPage,
    Done,
    Gone,
    NotReady,
    NotSent,
    Outcome,
    Progress,
    RemoteDocument,
    SearchHit,
    Throttled,
    Uploaded,
)
from tests.model.knowledge_base import WHY, KnowledgeBase, uploaded

from .watcher import Watcher
from .weather import (
    AWAY,
    BROKEN,
    LATE,
    LOST,
    NOT_SENT,
    PAGES,
    READS,
    RESET,
    SHIFTED,
    SLOW,
    THROTTLED,
    WRITES,
    Weather,
)

T = TypeVar("T")
LONGEST_AWAY = 40.0
LATEST = 150.0
TIMEOUT = 60.0
DRAINED = 35.0


class Line:
    """One process's connection.

    Args:
        server: what it leads to.
        watcher: judges what is sent.
        weather: how the calls of this pass go.
        meddle: lets something else happen meanwhile.
        note: writes the trace.

    Attributes:
        in_the_air: calls that were begun and have not ended.
        no_writes_after: from when on kbsync may write nothing.
    """

    def __init__(
        self,
        server: KnowledgeBase,
        watcher: Watcher,
        weather: Weather,
        meddle: Callable[[], None],
        note: Callable[[str], None],
    ) -> None:
        self._server = server
        self._watcher = watcher
        self._weather = weather
        self._meddle = meddle
        self._note = note
        self._away_until = 0.0
        self.in_the_air = 0
        self.no_writes_after = float("inf")

    @property
    def capabilities(self) -> Capabilities:
        if self._server.searched:
            return self._server.told
        # Nothing is lost from search, and nothing is searched for.
        told = self._server.told.noting(Capability.SEARCH, able=False)
        return told.noting(Capability.KEEPS_KEYWORDS, able=True)

    def note(self, capability: Capability, able: bool) -> None:
        self._server.note(capability, able)

    def recall(self, known: Capabilities) -> None:
        if self._server.told == Capabilities():
            self._server.told = known

    def paused_for(self) -> float:
        return 0.0

    # -- how a call goes -------------------------------------------------------------------------

    async def _transit(self, longest: float) -> None:
        self._weather.point()
        self.in_the_air += 1
        try:
            await anyio.sleep(self._weather.chance.uniform(0.01, longest))
        finally:
            self.in_the_air -= 1
        if self._weather.meddles():
            self._meddle()
        self._weather.point()
        self._server.land()

    async def _read(
        self, what: str, answer: Callable[[], Outcome[T]], fates: dict[str, int] = READS
    ) -> Outcome[T]:
        if self._server.away:
            return await self._unreachable(what)
        fate = self._weather.fate(fates)
        await self._transit(0.1)
        outcome = self._judged(fate, answer)
        self._note(f"{what} {fate} {type(outcome).__name__}")
        if fate == SLOW or not self._weather.calm:
            await self._transit(30.0 if fate == SLOW else 0.1)
        return outcome

    async def _unreachable(self, what: str) -> NotSent:
        await self._transit(0.1)
        self._note(f"{what} unreachable")
        return NotSent(say.CANNOT_CONNECT(what=what, url="http://fake", words="refused"))

    def _may_write(self, what: str) -> None:
        if self._server.now() > self.no_writes_after + DRAINED:
            self._watcher.fault("wrote", f"{what} though nothing may be written")

    def _judged(self, fate: str, answer: Callable[[], Outcome[T]]) -> Outcome[T]:
        if self._is_away(fate):
            return Gone()
        if fate == BROKEN:
            return NotReady(WHY(what="502"), 5.0)
        if fate == THROTTLED:
            return Throttled(60.0)
        outcome = answer()
        if (
            fate == SHIFTED
            and isinstance(outcome, Done)
            and isinstance(outcome.value, DocumentPage)
        ):
            return Done(self._shifted(outcome.value))  # type: ignore[arg-type]
        return outcome

    def _is_away(self, fate: str) -> bool:
        """For a moment the server knows no base: everything in it answers 404."""
        if fate == AWAY:
            self._away_until = self._server.now() + self._weather.chance.uniform(1, LONGEST_AWAY)
        return self._server.now() < self._away_until

    def _shifted(self, page: DocumentPage) -> DocumentPage:
        """Rows moved while the page was read: one is missing."""
        if not page.documents:
            return page
        lost = self._weather.chance.randrange(len(page.documents))
        kept = page.documents[:lost] + page.documents[lost + 1 :]
        return replace(page, documents=kept)

    async def _write(self, what: str, effect: Callable[[], Outcome[T]]) -> Outcome[T]:
        self._may_write(what)
        if self._server.away:
            return await self._unreachable(what)
        fate = self._weather.fate(WRITES)
        self._weather.point()
        if fate == NOT_SENT:
            self._note(f"{what} {fate}")
            return NotSent(WHY(what="connection refused"))
        try:
            await self._transit(30.0 if fate == SLOW else 0.5)
        except BaseException:  # the process ended: what it sent is under way all the same
            if self._weather.chance.random() < 0.5:
                self._server.later(self._weather.chance.uniform(0.1, LATEST), effect)
            raise
        outcome = self._effected(fate, effect)
        self._note(f"{what} {fate} {type(outcome).__name__}")
        await self._transit(TIMEOUT if fate in (LOST, LATE) else 0.5)
        return outcome

    def _effected(self, fate: str, effect: Callable[[], Outcome[T]]) -> Outcome[T]:
        if self._is_away(fate):
            return Gone()
        if fate == THROTTLED:
            return Throttled(60.0)
        if fate == LATE:
            self._server.later(self._weather.chance.uniform(1.0, LATEST), effect)
        if fate == RESET:
            effect()
        if fate in (LATE, LOST, RESET):
            return Ambiguous(WHY(what="no answer"))
        return effect()

    # -- the port --------------------------------------------------------------------------------

    async def base(self, base_id: str) -> Outcome[Base]:
        return await self._read(f"base {base_id}", lambda: self._server.base(base_id))

    async def bases_named(self, name: str) -> Outcome[tuple[Base, ...]]:
        return await self._read(f"bases {name}", lambda: self._server.bases_named(name))

    async def embedding_models(self) -> Outcome[frozenset[str]]:
        return await self._read("models", self._server.embedding_models)

    async def make_base(
        self, name: str, chunking: Chunking, settings: BaseSettings = UNDECLARED
    ) -> Outcome[Base]:
        what = f"make base {name}"
        return await self._write(what, lambda: self._server.make_base(name, settings))

    async def change_base(self, base_id: str, settings: BaseSettings) -> Outcome[None]:
        what = f"change base {', '.join(settings.named)}"
        return await self._write(what, lambda: self._server.change_base(base_id, settings))

    async def tag_base(
        self, base_id: str, *, on: AbstractSet[str], off: AbstractSet[str]
    ) -> Outcome[None]:
        return await self._write("tag base", lambda: self._server.tag_base(base_id, on, off))

    async def page(
        self, base_id: str, number: int, *, status: str | None = None, rows: int = 100
    ) -> Outcome[DocumentPage]:
        what = f"page {number} {status or ''}"
        return await self._read(
            what, lambda: self._server.page(base_id, number, status, rows), PAGES
        )

    async def named(self, base_id: str, name: str) -> Outcome[tuple[RemoteDocument, ...]]:
        return await self._read(f"named {name}", lambda: self._server.named(base_id, name))

    async def document(
        self, base_id: str, document_id: str, *, name: str = ""
    ) -> Outcome[RemoteDocument]:
        what = f"get {document_id}"
        return await self._read(what, lambda: self._server.document(base_id, document_id))

    async def old_chunks(self, base_id: str, document_id: str) -> Outcome[bool]:
        return Done(False)

    async def chunks(
        self, base_id: str, document_id: str, number: int, *, rows: int
    ) -> Outcome[ChunkPage]:
        what = f"chunks {document_id}"
        return await self._read(what, lambda: self._server.chunks(base_id, document_id))

    async def add_chunks(
        self, base_id: str, document_id: str, texts: Sequence[str]
    ) -> Outcome[int]:
        def effect() -> Outcome[int]:
            return self._server.add_chunks(base_id, document_id, texts)

        return await self._write(f"add {len(texts)} chunks to {document_id}", effect)

    async def delete_chunk(self, base_id: str, document_id: str, chunk_id: str) -> Outcome[None]:
        def effect() -> Outcome[None]:
            return self._server.delete_chunk(base_id, document_id, chunk_id)

        return await self._write(f"delete {chunk_id} of {document_id}", effect)

    async def search(
        self, base_id: str, query: str, *, economy: bool, top: int, rev: str | None = None
    ) -> Outcome[tuple[SearchHit, ...]]:
        return await self._read(f"search {query}", lambda: self._server.search(base_id, query))

    async def progress(self, base_id: str, document_id: str, batch: str) -> Outcome[Progress]:
        what = f"progress {document_id}"
        return await self._read(what, lambda: self._server.progress(base_id, document_id, batch))

    async def create(
        self,
        base_id: str,
        name: str,
        payload: Payload,
        chunking: Chunking,
        *,
        duplicate: bool = True,
    ) -> Outcome[Uploaded]:
        content = await self._sent(payload)
        if content is None:
            return NotSent(WHY(what="torn"))
        outcome = await self._write(
            f"create {name} {content!r}",
            lambda: self._server.create(base_id, name, content, chunking, duplicate=duplicate),
        )
        return _uploaded(outcome, payload)

    async def update(
        self, base_id: str, document_id: str, name: str, payload: Payload, chunking: Chunking
    ) -> Outcome[Uploaded]:
        content = await self._sent(payload)
        if content is None:
            return NotSent(WHY(what="torn"))
        outcome = await self._write(
            f"update {document_id} {name} {content!r}",
            lambda: self._server.update(base_id, document_id, name, content, chunking),
        )
        return _uploaded(outcome, payload)

    async def _sent(self, payload: Payload) -> bytes | None:
        """Read the file in two pieces; None when it became shorter than was announced."""
        half = payload.read(payload.size // 2)
        if self._weather.meddles():
            self._meddle()
        content = half + payload.read()
        return content if len(content) == payload.size else None

    async def delete(self, base_id: str, document_id: str) -> Outcome[None]:
        what = f"delete {document_id}"
        self._watcher.sends_delete(self._server.documents.get(document_id))
        return await self._write(what, lambda: self._server.delete(base_id, document_id))

    async def switch(self, base_id: str, document_id: str, action: str) -> Outcome[None]:
        what = f"{action} {document_id}"
        self._watcher.sends_switch(self._server.documents.get(document_id), action)
        return await self._write(what, lambda: self._server.switch(base_id, document_id, action))

    async def fields(self, base_id: str) -> Outcome[Mapping[str, str]]:
        return await self._read("fields", lambda: self._server.field_ids(base_id))

    def field_kind(self, field_id: str) -> str:
        return self._server.field_kind(field_id)

    async def make_field(self, base_id: str, name: str, kind: str = "string") -> Outcome[str]:
        what = f"make field {name}"
        return await self._write(what, lambda: self._server.make_field(base_id, name, kind))

    async def assign(
        self, base_id: str, fields: Mapping[str, str], assignments: Sequence[Assignment]
    ) -> Outcome[None]:
        what = f"assign {' '.join(each.document_id for each in assignments)}"
        return await self._write(what, lambda: self._server.assign(base_id, fields, assignments))


def _uploaded(outcome: Outcome[tuple[RemoteDocument, str]], payload: Payload) -> Outcome[Uploaded]:
    return Done(uploaded(outcome.value, payload.content)) if isinstance(outcome, Done) else outcome
