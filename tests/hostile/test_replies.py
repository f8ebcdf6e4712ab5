"""Wrong replies: every field of every reply of a real server, made wrong in every way.

Each reply is fetched once and then given again with one of its values changed. Whatever comes is
an outcome: nothing raises, and what is read of it can be stored.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from canary import KEY

from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.embedded import embedded_app
from kbsync.engine.ports import Chunking
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Done, Gone, NotReady, Rejected, Stat, Throttled

STRANGER = "99999999-9999-4999-8999-999999999999"
WRONG: tuple[object, ...] = (
    None,
    True,
    -1,
    10**400,
    1e308,
    "",
    "../" + STRANGER,
    "\x1b[31m\u202e\x00\n",
    [],
    {},
    [[None]],
    {"id": {}},
)
URL = "http://embedded/v1"
KEYWORD = {
    "search_method": "keyword_search",
    "reranking_enable": False,
    "top_k": 3,
    "score_threshold_enabled": False,
}


class Words:
    """A payload of a few words."""

    media_type = "text/markdown"
    taken = None
    content = "0" * 64

    def __init__(self) -> None:
        self._left = b"# A page\n\nWith words.\n"
        self.size = len(self._left)
        self.stat = Stat(self.size, 0, 0, 1)

    def read(self, size: int = -1) -> bytes:
        piece, self._left = self._left, b""
        return piece

    def torn(self) -> bool:
        return False


class Replaying(httpx.AsyncBaseTransport):
    """Passes calls on and keeps the last reply; or gives `instead` of it."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.last: object = None
        self.instead: bytes | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.instead is not None:
            return httpx.Response(200, json=None, content=self.instead, request=request)
        reply = await self._inner.handle_async_request(request)
        content = await reply.aread()
        self.last = json.loads(content) if content else None
        return httpx.Response(reply.status_code, headers=reply.headers, content=content)


class Caller:
    """A client, a remote, and one document in one base of a real server."""

    def __init__(self, client: DifyClient, replaying: Replaying) -> None:
        self.client = client
        self.remote = DifyRemote(client)
        self.replaying = replaying
        self.base = self.document = self.batch = self.chunk = ""

    async def fill(self) -> None:
        base = await self.remote.make_base("Docs", Chunking(process_rule={"mode": "automatic"}))
        assert isinstance(base, Done)
        self.base = base.value.id
        made = await self.create()
        assert isinstance(made, Done)
        self.document, self.batch = made.value.document.id, made.value.batch or ""
        while True:
            chunks = await self.client.chunks.list(self.base, self.document)
            if isinstance(chunks, Done) and chunks.value.rows:
                self.chunk = chunks.value.rows[0].id
                return

    async def create(self) -> Any:
        chunking = Chunking(process_rule={"mode": "automatic"})
        return await self.remote.create(self.base, "a.md", Words(), chunking)


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[Caller]:
    async with embedded_app(tmp_path / "base.db", api_key=KEY) as app:
        replaying = Replaying(httpx.ASGITransport(app))
        access = Access(url=URL, key=ApiKey(KEY), environment=False)
        async with DifyClient(access, replaying) as client:
            caller = Caller(client, replaying)
            await caller.fill()
            yield caller


Ask = Callable[[Caller], Awaitable[Any]]
CALLS: dict[str, Ask] = {
    "get a base": lambda d: d.remote.base(d.base),
    "bases by name": lambda d: d.remote.bases_named("Docs"),
    "make a base": lambda d: d.remote.make_base("More", Chunking(process_rule={})),
    "a page": lambda d: d.remote.page(d.base, 1),
    "documents by name": lambda d: d.remote.named(d.base, "a.md"),
    "get a document": lambda d: d.remote.document(d.base, d.document),
    "progress": lambda d: d.remote.progress(d.base, d.document, d.batch),
    "create": lambda d: d.create(),
    "fields": lambda d: d.remote.fields(d.base),
    "make a field": lambda d: d.remote.make_field(d.base, "kbsync_path"),
    "chunks": lambda d: d.client.chunks.list(d.base, d.document),
    "get a chunk": lambda d: d.client.chunks.get(d.base, d.document, d.chunk),
    "search": lambda d: d.client.search.retrieve(d.base, "words", KEYWORD),
    "tags": lambda d: d.client.tags.list(),
}


def places(value: object, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield at
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, each in inner:
        yield from places(each, (*at, key))


def changed(value: Any, at: tuple[Any, ...], wrong: object) -> Any:
    if not at:
        return wrong
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[at[0]] = changed(value[at[0]], at[1:], wrong)
    return copied


@pytest.mark.anyio
@pytest.mark.parametrize("name", CALLS)
async def test_any_field_may_be_anything(caller: Caller, tmp_path: Path, name: str) -> None:
    first = await CALLS[name](caller)
    assert isinstance(first, Done), first
    said = caller.replaying.last
    with LedgerStore.open(tmp_path / "ledger.db") as ledger:
        for at in places(said):
            for wrong in WRONG:
                caller.replaying.instead = json.dumps(changed(said, at, wrong)).encode()
                outcome = await CALLS[name](caller)
                _shown(outcome)
                _stored(ledger, caller.base, name, outcome)


def _shown(outcome: object) -> None:
    why = getattr(outcome, "why", None)
    if isinstance(why, Notice):
        assert str(why).isprintable()
        assert why.next.isprintable()
        assert KEY not in str(why)


def _stored(ledger: LedgerStore, base: str, name: str, outcome: object) -> None:
    if name == "a page" and isinstance(outcome, Done):
        ledger.begin_listing(base)
        ledger.add_listed(base, outcome.value.documents)


# -- other people's ids ----------------------------------------------------------------------------


def everywhere(value: Any, one: str, other: str) -> Any:
    return json.loads(json.dumps(value).replace(one, other))


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "own"), [("get a document", "document"), ("get a base", "base")])
async def test_a_reply_about_another_id_is_no_answer(caller: Caller, name: str, own: str) -> None:
    await CALLS[name](caller)
    said = everywhere(caller.replaying.last, getattr(caller, own), STRANGER)
    caller.replaying.instead = json.dumps(said).encode()
    outcome = await CALLS[name](caller)
    assert isinstance(outcome, NotReady)
    assert outcome.why.message is messages.MALFORMED


@pytest.mark.anyio
@pytest.mark.parametrize("word", ["metadata", "status", "tags", "built-in", "..", "."])
async def test_a_word_of_a_route_is_no_id(caller: Caller, word: str) -> None:
    """Else a document called `metadata` would make a deletion one of another route."""
    for name in ("a page", "bases by name"):
        caller.replaying.instead = None
        await CALLS[name](caller)
        own = caller.document if name == "a page" else caller.base
        said = everywhere(caller.replaying.last, own, word)
        caller.replaying.instead = json.dumps(said).encode()
        outcome = await CALLS[name](caller)
        assert isinstance(outcome, NotReady), outcome


@pytest.mark.anyio
@pytest.mark.parametrize("batch", ["..", ".", "a/b", "a\nb", "x" * 1000, "%2e%2e", "ü"])
async def test_a_batch_that_is_none_is_not_kept(caller: Caller, batch: str) -> None:
    await CALLS["create"](caller)
    said = json.loads(json.dumps(caller.replaying.last))
    said["batch"] = batch
    caller.replaying.instead = json.dumps(said).encode()
    outcome = await caller.create()
    assert isinstance(outcome, Done)
    assert outcome.value.batch is None


# -- pages without end -----------------------------------------------------------------------------


class Pages(httpx.AsyncBaseTransport):
    """Always one more page: of new rows, of the same ones, or of none at all."""

    def __init__(self, rows: Callable[[int], int], total: Callable[[int], int]) -> None:
        self._rows = rows
        self._total = total
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        page = int(request.url.params.get("page", "1"))
        first = self._rows(page)
        data = [
            {
                "id": f"00000000-0000-4000-8000-{first + n:012d}",
                "name": "Docs",
                "indexing_status": "completed",
            }
            for n in range(100)
        ]
        total = self._total(page)
        return httpx.Response(200, json={"data": data, "total": total, "has_more": True})


ENDLESS = {
    "new rows, a total that runs away": Pages(lambda page: page * 100, lambda page: page * 100 + 1),
    "new rows, a huge total": Pages(lambda page: page * 100, lambda page: 10**12),
    "the same rows, a huge total": Pages(lambda page: 0, lambda page: 10**12),
    "the same rows, a total that runs away": Pages(lambda page: 0, lambda page: page * 100 + 1),
}


@pytest.mark.anyio
@pytest.mark.parametrize("name", ENDLESS)
async def test_pages_without_end_are_left(name: str) -> None:
    pages = ENDLESS[name]
    access = Access(url=URL, key=ApiKey(KEY), environment=False)
    async with DifyClient(access, pages) as client:
        remote = DifyRemote(client)
        for found in (
            await remote.bases_named("Docs"),
            await remote.named(STRANGER, "Docs"),
        ):
            assert not isinstance(found, (Done, Gone, Throttled, Rejected))
    assert pages.asked < 1000
