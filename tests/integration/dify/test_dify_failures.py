"""What the network and strange servers do, over real sockets and both transports."""

from __future__ import annotations

import asyncio
import gzip
import socket
import time

import pytest
from dify_line import KEY, Line, Memory, Open, answering, reply, serving

from kbsync.dify import http
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import (
    Ambiguous,
    Done,
    Failure,
    Gone,
    NotReady,
    NotSent,
    Outcome,
    Rejected,
    Throttled,
    Unauthorized,
)

pytestmark = pytest.mark.anyio
ID = "22f83db9-93e4-424b-a446-2b01259772f4"
BASE = b'{"id": "22f83db9-93e4-424b-a446-2b01259772f4", "name": "Docs"}'
UPLOADED = (
    b'{"document": {"id": "24b1b4bf-3fea-40e8-b285-7580e850fe85", "name": "a.md",'
    b' "indexing_status": "waiting"}, "batch": "2026"}'
)


def why(outcome: Outcome[object]) -> Notice:
    assert not isinstance(outcome, Done | Gone | Throttled), outcome
    assert KEY not in str(outcome)
    return outcome.why


async def both(open_client: Open, url: str, **words: object) -> tuple[Failure, Failure]:
    """Return what a read and a write come to."""
    client = open_client(url, **words)
    async with client:
        read, write = await client.bases.get(ID), await client.documents.delete(ID, ID)
    assert not isinstance(read, Done)
    assert not isinstance(write, Done)
    return read, write


# -- not sent ------------------------------------------------------------------------------------


async def test_refused_connection(open_client: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for outcome in await both(open_client, f"http://127.0.0.1:{port}/v1"):
        assert isinstance(outcome, NotSent)
        assert outcome.why.message is messages.CANNOT_CONNECT
        assert outcome.why.words["words"] == "Connection refused"


async def test_unknown_host(open_client: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    for outcome in await both(open_client, "http://kbsync.invalid/v1"):
        assert isinstance(outcome, NotSent)
        assert outcome.why.message is messages.UNKNOWN_HOST


async def test_tls_to_a_plain_server_is_told_from_refused(open_client: Open) -> None:
    async def plain(line: Line) -> None:
        await line.reader.read(100)
        await line.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as (url, _):
        for outcome in await both(open_client, url.replace("http:", "https:")):
            assert isinstance(outcome, NotSent)
            assert outcome.why.message is messages.NOT_TLS
            assert f"write {url} as server.url" in outcome.why.next


async def test_untrusted_certificate(open_client: Open, tls_server: tuple[str, str]) -> None:
    url, _ = tls_server
    for outcome in await both(open_client, url):
        assert isinstance(outcome, NotSent)
        assert outcome.why.message is messages.NO_TRUST
        assert "self" in outcome.why.words["words"]


async def test_own_certificate_authority(open_client: Open, tls_server: tuple[str, str]) -> None:
    url, ca_file = tls_server
    async with open_client(url, ca_file=ca_file) as client:
        assert isinstance(await client.bases.get(ID), Done)
    async with open_client(url, verify=False) as client:
        assert isinstance(await client.bases.get(ID), Done)


async def test_host_that_never_takes_the_connection(open_client: Open) -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    try:
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
        for outcome in await both(open_client, url, connect_timeout=0.3):
            assert isinstance(outcome, NotSent)
            assert outcome.why.message is messages.CONNECT_SLOW
    finally:
        for each in (*fillers, full):
            each.close()


# -- sent, and then ------------------------------------------------------------------------------


async def reset_after_request(line: Line) -> None:
    await line.request()
    line.reset()


async def close_after_request(line: Line) -> None:
    await line.request()


async def silence(line: Line) -> None:
    await line.request()
    await line.reader.read()


async def half_a_head(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Type: appli")


async def half_a_body(line: Line) -> None:
    await line.request()
    await line.say(reply(200, BASE)[:-20])


async def garbage(line: Line) -> None:
    await line.request()
    await line.say(b"\x16\x03\x01 what is this\r\n\r\n")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (reset_after_request, messages.CUT_OFF),
        (close_after_request, messages.CUT_OFF),
        (half_a_head, messages.CUT_OFF),
        (half_a_body, messages.CUT_OFF),
        (garbage, messages.NOT_HTTP),
        (silence, messages.SLOW),
    ],
)
async def test_broken_after_sending(open_client: Open, script: object, message: object) -> None:
    async with serving(script) as (url, taken):  # type: ignore[arg-type]
        client = open_client(url)
        async with client:
            read = await client.bases.get(ID)
            assert isinstance(read, NotReady)
            assert read.why.message is message
            made = await client.documents.create_by_file(ID, "a.md", Memory(b"hello"), {})
            assert isinstance(made, Ambiguous)
            assert made.why.message is message
            changed = await client.bases.change(ID, {"name": "x"})
            assert isinstance(changed, Ambiguous)
    posts = [head for head in taken.heads if head.startswith(("POST", "PATCH"))]
    assert len(posts) == 2, "a write is never repeated by the client"


async def test_reply_that_trickles_for_ever(
    open_client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def trickle(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await line.say(b" ")
            await asyncio.sleep(0.02)

    monkeypatch.setattr(http, "PATIENCE", 1)
    async with serving(trickle) as (url, _):
        started = time.monotonic()
        read, write = await both(open_client, url, read_timeout=0.3, connect_timeout=0.2)
        assert time.monotonic() - started < 10
    assert isinstance(read, NotReady)
    assert isinstance(write, Ambiguous)
    assert why(write).message is messages.SLOW


async def test_upload_cut_short_was_not_sent(open_client: Open) -> None:
    async def hang_up(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.reader.readexactly(1000)
        line.reset()

    async with serving(hang_up) as (url, _), open_client(url) as client:
        payload = Memory(b"x" * 30_000_000)
        outcome = await client.documents.create_by_file(ID, "a.md", payload, {})
    assert isinstance(outcome, NotSent)
    assert outcome.why.message is messages.CUT_SHORT
    assert payload.read_bytes < payload.size


async def test_early_refusal_of_a_large_upload(open_client: Open) -> None:
    async def too_large(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(reply(413, b"<html>413</html>", "text/html", "Connection: close"))
        while await line.reader.read(1 << 20):
            pass

    async with serving(too_large) as (url, _), open_client(url) as client:
        payload = Memory(b"x" * 20_000_000)
        outcome = await client.documents.create_by_file(ID, "a.md", payload, {})
    assert isinstance(outcome, Rejected)
    assert outcome.why.message is messages.TOO_LARGE


@pytest.mark.parametrize("size", [10, 3_000_000])
@pytest.mark.parametrize("fault", ["torn", "shrunk", "grown", "unreadable"])
async def test_file_that_changes_while_it_is_sent(open_client: Open, size: int, fault: str) -> None:
    ended = asyncio.Event()
    got = bytearray()

    async def listen(line: Line) -> None:
        try:
            while piece := await line.reader.read(1 << 16):
                got.extend(piece)
        except ConnectionError:
            pass
        finally:
            ended.set()

    payload = Memory(b"x" * size, fault=fault)
    async with serving(listen) as (url, taken):
        async with open_client(url) as client:
            outcome = await client.documents.create_by_file(ID, "a.md", payload, {})
        assert isinstance(outcome, NotSent)
        assert outcome.why.message is messages.PAYLOAD_CHANGED
        if size < 1000:
            assert taken.connections == 0, "a small file is read before anything is sent"
        else:
            await asyncio.wait_for(ended.wait(), 5)
    head, _, body = bytes(got).partition(b"\r\n\r\n")
    announced = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    assert len(body) < announced or not got, "the server never held a complete request"


async def test_success_for_half_a_file_is_no_success(open_client: Open) -> None:
    async def hasty(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        await line.say(reply(200, UPLOADED, "application/json", "Connection: close"))
        await line.reader.readexactly(1000)

    async with serving(hasty) as (url, _), open_client(url) as client:
        payload = Memory(b"x" * 50_000_000)
        outcome = await client.documents.create_by_file(ID, "a.md", payload, {})
    assert isinstance(outcome, Ambiguous | NotSent)


async def test_a_cancelled_upload_leaves_a_working_client(open_client: Open) -> None:
    begun = asyncio.Event()

    async def never_reads(line: Line) -> None:
        await line.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await asyncio.sleep(60)

    scripts = never_reads, answering(reply(200, BASE))
    async with serving(*scripts) as (url, _), open_client(url, read_timeout=30.0) as client:
        payload = Memory(b"x" * 50_000_000)
        upload = asyncio.create_task(client.documents.create_by_file(ID, "a.md", payload, {}))
        await asyncio.wait_for(begun.wait(), 10)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert isinstance(await client.bases.get(ID), Done)


async def test_what_no_request_can_carry(open_client: Open) -> None:
    async with serving(answering(reply(200, BASE))) as (url, taken), open_client(url) as client:
        for outcome in (
            await client.documents.create_by_text(ID, "a", "broken \ud800", {}),
            await client.documents.list(ID, keyword="broken \ud800"),
            await client.documents.list(ID, keyword="x" * 100_000),
            await client.bases.change(ID, {"top_k": float("nan")}),
        ):
            assert isinstance(outcome, Rejected)
            assert outcome.why.message is messages.UNSENDABLE
    assert taken.requests == []


# -- strange answers -----------------------------------------------------------------------------


async def test_redirect_is_not_followed(open_client: Open) -> None:
    location = "Location: https://user:pw@elsewhere.example/page?x=1"
    async with serving(answering(reply(302, b"", "text/html", location))) as (url, taken):
        read, _ = await both(open_client, url)
    assert isinstance(read, Unauthorized)
    assert read.why.words["target"] == "https://elsewhere.example/page"
    assert taken.connections == 2


async def test_web_page_where_json_was_due(open_client: Open) -> None:
    page = reply(200, b"<!doctype html><title>Dify</title>", "text/html; charset=utf-8")
    async with serving(answering(page)) as (url, _):
        read, write = await both(open_client, url)
    assert isinstance(read, NotReady)
    assert isinstance(write, Ambiguous)
    assert why(read).message is why(write).message is messages.NOT_JSON
    assert why(read).words["kind"] == 'text/html "Dify"'


async def test_truncated_json_that_is_complete_http(open_client: Open) -> None:
    cut = answering(reply(200, UPLOADED[:-9]))
    async with serving(cut) as (url, _), open_client(url) as client:
        made = await client.documents.create_by_file(ID, "a.md", Memory(b"x"), {})
        read = await client.bases.get(ID)
    assert isinstance(made, Ambiguous)
    assert isinstance(read, NotReady)
    assert made.why.message is messages.MALFORMED


@pytest.mark.parametrize("compressed", [False, True])
async def test_huge_reply_is_not_read_to_its_end(
    open_client: Open, monkeypatch: pytest.MonkeyPatch, compressed: bool
) -> None:
    monkeypatch.setattr(http, "LARGEST_REPLY", 1_000_000)
    raw = b"[" + b" " * 40_000_000
    body = gzip.compress(raw) if compressed else raw
    more = ["Content-Encoding: gzip"] if compressed else []
    async with serving(answering(reply(200, body, "application/json", *more))) as (url, _):
        read, write = await both(open_client, url, read_timeout=5.0)
    assert isinstance(read, NotReady)
    assert why(read).message is messages.REPLY_TOO_LARGE
    assert isinstance(write, Ambiguous)


async def test_html_404_blames_the_address(open_client: Open) -> None:
    async with serving(answering(reply(404, b"<html>no</html>", "text/html"))) as (url, _):
        read, write = await both(open_client, url)
    assert isinstance(read, Unauthorized)
    assert isinstance(write, Unauthorized), "no proof that the document is gone"
    assert read.why.words["url"] == url
    assert "host and port" in read.why.next, "it ends with /v1"


@pytest.mark.parametrize("raw", [reply(200, b"204\n"), b"HTTP/1.1 204 No Content\r\n\r\n",
                                 reply(200, b'{"result":"success"}')])  # fmt: skip
async def test_every_kind_of_successful_delete(open_client: Open, raw: bytes) -> None:
    async with serving(answering(raw)) as (url, _), open_client(url) as client:
        assert await client.documents.delete(ID, ID) == Done(None)


async def test_throttling_by_429(open_client: Open) -> None:
    body = b'{"code":"too_many_requests","message":"slow down","status":429}'
    limited = reply(429, body, "application/json", "Retry-After: 17")
    async with serving(answering(limited)) as (url, _):
        read, write = await both(open_client, url)
    assert read == write == Throttled(17.0)


# -- connections ---------------------------------------------------------------------------------


async def test_idle_connection_the_server_dropped_is_no_ambiguity(open_client: Open) -> None:
    """The server closes after one answer without saying so, as gunicorn does after two seconds."""
    async with serving(answering(reply(200, UPLOADED))) as (url, taken), open_client(url) as client:
        for _ in range(3):
            made = await client.documents.create_by_file(ID, "a.md", Memory(b"x"), {})
            assert isinstance(made, Done)
            await asyncio.sleep(0.01)
    assert taken.connections == 3


async def test_connection_is_kept_between_calls(open_client: Open) -> None:
    script = answering(*[reply(200, BASE)] * 5)
    async with serving(script) as (url, taken), open_client(url) as client:
        for _ in range(5):
            assert isinstance(await client.bases.get(ID), Done)
    assert taken.connections == 1


async def test_a_read_is_asked_once_more_when_its_connection_broke(open_client: Open) -> None:
    scripts = reset_after_request, answering(reply(200, BASE))
    async with serving(*scripts) as (url, taken), open_client(url) as client:
        assert isinstance(await client.bases.get(ID), Done)
    assert taken.connections == 2


async def test_explicit_proxy(open_client: Open) -> None:
    async with serving(answering(reply(200, BASE))) as (proxy, taken):
        address = proxy.removesuffix("/v1")
        async with open_client("http://knowledge.invalid/v1", proxy=address) as client:
            assert isinstance(await client.bases.get(ID), Done)
    assert taken.heads[0].startswith(f"GET http://knowledge.invalid/v1/datasets/{ID} HTTP/1.1")


async def test_proxy_of_the_environment(open_client: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(answering(reply(200, BASE))) as (proxy, taken):
        monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        async with open_client("http://knowledge.invalid/v1", environment=True) as client:
            assert isinstance(await client.bases.get(ID), Done)
    assert len(taken.requests) == 1


async def test_proxy_that_refuses(open_client: Open) -> None:
    async with serving(answering(reply(407, b"no", "text/plain"))) as (proxy, _):
        for scheme in ("http", "https"):
            url = f"{scheme}://knowledge.invalid/v1"
            for outcome in await both(open_client, url, proxy=proxy.removesuffix("/v1")):
                assert isinstance(outcome, Unauthorized)
                assert outcome.why.message is messages.PROXY
