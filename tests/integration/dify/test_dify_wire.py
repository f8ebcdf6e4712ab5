"""What goes over the wire: headers, secrets, streamed uploads, searches."""

from __future__ import annotations

import asyncio
import json
import logging
import tracemalloc
from urllib.parse import parse_qs

import pytest
from dify_line import KEY, Endless, Line, Memory, Open, answering, reply, serving

from kbsync.dify.client import DifyClient
from kbsync.dify.remote import DifyRemote
from kbsync.model import Capabilities, Capability, Chunking, Done, NotReady, Rejected, Uploaded

pytestmark = pytest.mark.anyio
ID = "22f83db9-93e4-424b-a446-2b01259772f4"
DOCUMENT = {"id": ID, "name": "a.md", "indexing_status": "waiting", "display_status": "queuing"}
UPLOADED = reply(200, json.dumps({"document": DOCUMENT, "batch": "2026"}).encode())
COOKIE = f"Set-Cookie: x-token={KEY}; HttpOnly; Path=/"
CHUNKING = Chunking(process_rule={"mode": "automatic"})


async def test_headers_of_a_call(open_client: Open) -> None:
    async with serving(answering(UPLOADED)) as (url, taken), open_client(url + "/") as client:
        await client.documents.create_by_file(ID, "a.md", Memory(b"x"), {})
    head = taken.heads[0].lower()
    assert head.startswith(f"post /v1/datasets/{ID}/document/create_by_file http/1.1\r\n")
    assert f"authorization: bearer {KEY}".lower() in head
    assert "user-agent: kbsync/" in head
    assert "transfer-encoding" not in head


async def test_cookies_and_the_key_are_never_kept_or_logged(
    open_client: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = reply(400, json.dumps({"code": "x", "message": f"bad {KEY}", "status": 400}).encode())
    cookie = reply(200, b'{"id":"1","name":"x"}', "application/json", COOKIE)
    async with (
        serving(answering(cookie, cookie, shown)) as (url, taken),
        open_client(url) as client,
    ):
        await client.bases.get(ID)
        await client.bases.get(ID)
        refused = await client.bases.change(ID, {})
        text = f"{client!r} {client.access!r} {refused!r} {client.access.key}"
    assert isinstance(refused, Rejected)
    assert "bad ***" in str(refused.why)
    assert KEY not in text
    assert KEY not in caplog.text
    assert not any("cookie" in head.lower() for head in taken.heads)


@pytest.mark.parametrize(
    "name", ["a.md", "guides∕install.md", "naïve — 南 🎉.md", " leading;#&=%20.md ", "a'b(c).md"]
)
async def test_file_name_arrives_exactly(open_client: Open, name: str) -> None:
    async with serving(answering(UPLOADED)) as (url, taken), open_client(url) as client:
        outcome = await DifyRemote(client).create(ID, name, Memory(b"hello"), CHUNKING)
    assert isinstance(outcome, Done)
    assert f'name="file"; filename="{name}"\r\n'.encode() in taken.requests[0]


@pytest.mark.parametrize("name", ["", 'a"b.md', "a\\b.md", "a\nb.md", "a\x7f.md", "a\udcff.md"])
async def test_a_name_that_would_not_arrive_exactly_is_not_sent(
    open_client: Open, name: str
) -> None:
    async with serving(answering(UPLOADED)) as (url, taken), open_client(url) as client:
        outcome = await DifyRemote(client).create(ID, name, Memory(b"hello"), CHUNKING)
    assert isinstance(outcome, Rejected)
    assert taken.requests == []


async def test_options_are_a_plain_field_and_complete(open_client: Open) -> None:
    async with serving(answering(UPLOADED)) as (url, taken), open_client(url) as client:
        remote = DifyRemote(client)
        outcome = await remote.create(ID, "a.md", Memory(b"hello"), CHUNKING, duplicate=False)
    assert isinstance(outcome, Done)
    assert isinstance(outcome.value, Uploaded)
    assert outcome.value.content == Memory.sha256(b"hello")
    part = taken.requests[0].partition(b'form-data; name="data"\r\n\r\n')[2].partition(b"\r\n")[0]
    assert json.loads(part) == {
        "indexing_technique": "economy",
        "process_rule": {"mode": "automatic"},
        "doc_form": "text_model",
        "doc_language": "English",
        "duplicate": False,
    }


async def test_memory_does_not_grow_with_the_file(open_client: Open) -> None:
    size = 64 * 1024 * 1024

    async def swallow(line: Line) -> None:
        head = await line.reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        while left:
            left -= len(await line.reader.read(min(left, 1 << 16)))
        await line.say(UPLOADED)

    async with serving(swallow) as (url, _), open_client(url, read_timeout=20.0) as client:
        await client.bases.get("nothing is sent, everything is loaded")
        tracemalloc.start()
        try:
            outcome = await client.documents.create_by_file(ID, "a.md", Endless(size), {})
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert isinstance(outcome, Done)
    assert peak < 16 * 1024 * 1024


@pytest.mark.parametrize("name", ["100%.md", "a_b.md", "a+b &c=d;e#f.md", "南/🎉.md", "a%20b"])
async def test_search_by_name_is_raw(open_client: Open, name: str) -> None:
    row = DOCUMENT | {"name": name}
    page = reply(200, json.dumps({"data": [row], "total": 1, "has_more": False}).encode())
    async with serving(answering(page)) as (url, taken), open_client(url) as client:
        found = await DifyRemote(client).named(ID, name)
    assert isinstance(found, Done)
    assert [each.name for each in found.value] == [name]
    query = taken.heads[0].partition("?")[2].partition(" ")[0]
    assert parse_qs(query)["keyword"] == [name]


def pages(*pages: tuple[list[int], int]) -> bytes:
    return b"".join(
        reply(200, json.dumps({
            "data": [DOCUMENT | {"id": str(number)} for number in rows], "total": total
        }).encode())
        for rows, total in pages
    )  # fmt: skip


async def named(open_client: Open, *seen: tuple[list[int], int]) -> object:
    replies = [pages(one) for one in seen]
    async with serving(answering(*replies)) as (url, _), open_client(url) as client:
        return await DifyRemote(client).named(ID, "a.md")


async def test_search_is_read_to_its_end(open_client: Open) -> None:
    found = await named(open_client, ([1, 2], 3), ([3], 3))
    assert isinstance(found, Done)
    assert [row.id for row in found.value] == ["1", "2", "3"]


async def test_search_that_moved_is_read_again(open_client: Open) -> None:
    found = await named(open_client, ([1, 2], 3), ([2], 3), ([1, 2], 3), ([3], 3))
    assert isinstance(found, Done)
    assert [row.id for row in found.value] == ["1", "2", "3"]


async def test_search_that_never_rests_proves_nothing(open_client: Open) -> None:
    moving = [([1, 2], 4), ([3], 3)] * 3
    assert isinstance(await named(open_client, *moving), NotReady)


async def test_version_decides_and_a_new_one_forgets(open_client: Open) -> None:
    base = b'{"id": "1", "name": "Docs"}'
    replies = [
        reply(200, base, "application/json", f"X-Version: {v}") for v in ("1.12.1", "1.13.0")
    ]
    missing = reply(404, b"<html></html>", "text/html", "X-Version: 1.13.0")
    fine = reply(200, base, "application/json", "X-Version: 1.14.0")
    listed, first = (
        reply(200, b'{"data": []}', "application/json", f"X-Version: {v}")
        for v in ("1.13.0", "1.12.1")
    )
    script = answering(first, *replies, missing, listed, fine)
    async with serving(script) as (url, _), open_client(url) as client:
        remote = DifyRemote(client)
        assert remote.capabilities == Capabilities()
        await remote.base(ID)
        assert remote.capabilities == Capabilities(version="1.12.1")
        await remote.base(ID)
        assert remote.capabilities == Capabilities(version="1.13.0")
        assert isinstance(await remote.fields(ID), Rejected)
        assert Capability.METADATA not in remote.capabilities
        await remote.base(ID)
        assert remote.capabilities == Capabilities(version="1.14.0")


async def test_change_over_to_the_cheaper_transport() -> None:
    from kbsync.dify.access import Access, ApiKey  # noqa: PLC0415
    from kbsync.dify.transport import CHANGE_OVER  # noqa: PLC0415

    base = reply(200, b'{"id": "1", "name": "Docs"}')
    script = answering(*[base] * (CHANGE_OVER + 20))
    async with serving(script) as (url, taken):
        access = Access(url=url, key=ApiKey(KEY), environment=False)
        async with DifyClient(access) as client:
            for _ in range(CHANGE_OVER + 20):
                assert isinstance(await client.bases.get(ID), Done)
            await asyncio.sleep(0)
    assert taken.connections == 2, "one connection of each transport"
