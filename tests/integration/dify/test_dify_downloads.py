"""The original bytes over real sockets and both transports: servers that mean well, and others."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256

import pytest
from dify_line import KEY, Line, Open, Script, Taken, answering, reply, serving

from kbsync.dify import file_download
from kbsync.dify.remote import DifyRemote
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Done, Gone, NotReady, Original, Outcome, Rejected, Throttled, Unauthorized

pytestmark = pytest.mark.anyio
ID = "22f83db9-93e4-424b-a446-2b01259772f4"
BYTES = "Größe \n".encode() * 5000
LARGEST = 1 << 20
SIGN = "SIGNATURE0123456789"
PATH = f"/files/{ID}/file-preview?timestamp=1&nonce=2&sign={SIGN}&as_attachment=true"
OCTETS = "application/octet-stream"
BASE = f'{{"id": "{ID}", "name": "Docs"}}'.encode()


def signed(url: str = PATH) -> bytes:
    return reply(200, json.dumps({"url": url}).encode(), "application/json", "Connection: close")


def file(body: bytes = BYTES, kind: str = OCTETS, status: int = 200, *more: str) -> bytes:
    return reply(status, body, kind, "Connection: close", *more)


def short(body: bytes, announced: int) -> Script:
    """Announce more bytes than come, and close in order."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {OCTETS}\r\nContent-Length: {announced}\r\n\r\n"
    return answering(head.encode() + body)


@asynccontextmanager
async def asked(
    open_client: Open, *scripts: Script, largest: int = LARGEST
) -> AsyncIterator[tuple[Outcome[Original], Taken]]:
    """Ask a server that follows `scripts`; nothing it says or is asked shows a secret."""
    async with serving(*scripts) as (url, taken), open_client(url) as client:
        outcome = await DifyRemote(client).original(ID, ID, largest=largest)
    for secret in (KEY, SIGN):
        assert secret not in repr(outcome)
    yield outcome, taken


def why(outcome: Outcome[Original]) -> Notice:
    assert not isinstance(outcome, Done | Gone | Throttled), outcome
    assert SIGN not in str(outcome.why) + outcome.why.next
    return outcome.why


async def test_the_bytes_are_hashed(open_client: Open) -> None:
    scripts = answering(signed()), answering(file())
    async with asked(open_client, *scripts) as (outcome, taken):
        size = len(BYTES)
        content = sha256(BYTES).hexdigest()
        assert outcome == Done(Original(content=content, size=size, declared=size))
    call, download = taken.heads
    assert call.startswith(f"GET /v1/datasets/{ID}/documents/{ID}/download HTTP/1.1")
    assert f"Bearer {KEY}" in call
    assert download.startswith(f"GET {PATH} HTTP/1.1")
    assert "authorization" not in download.lower()
    assert KEY not in download


@pytest.mark.parametrize(
    "url",
    [
        f"http://elsewhere.invalid{PATH}",
        f"https://user:word@elsewhere.invalid:1{PATH}",
        f"//elsewhere.invalid{PATH}",
    ],
)
async def test_another_host_is_never_asked(open_client: Open, url: str) -> None:
    scripts = answering(signed(url)), answering(file())
    async with asked(open_client, *scripts) as (outcome, taken):
        assert isinstance(outcome, Done), outcome
    assert taken.heads[1].startswith(f"GET {PATH} HTTP/1.1")
    assert "host: 127.0.0.1" in taken.heads[1].lower()
    assert "word" not in taken.heads[1]


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://a/x", "", "x", "http://a/\r\nx: y", "/" + "x" * 70_000]
)
async def test_what_is_no_address_is_not_asked_for(open_client: Open, url: str) -> None:
    async with asked(open_client, answering(signed(url)), answering(file())) as (outcome, taken):
        assert why(outcome).message is messages.FILE_ADDRESS
    assert len(taken.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        file(b"<html>Sign in</html>", "text/html; charset=utf-8"),
        file(b"<html>404</html>", "text/html", 404),
        file(b"no", "text/plain", 403),
        file(b"", "text/html", 302, f"Location: http://elsewhere.invalid{PATH}"),
        file(b"", "text/html", 307, f"Location: {PATH}"),
    ],
)
async def test_what_does_not_serve_files_is_named(open_client: Open, answer: bytes) -> None:
    url = f"http://files.invalid{PATH}"
    scripts = answering(signed(url)), answering(answer)
    async with asked(open_client, *scripts) as (outcome, taken):
        assert isinstance(outcome, Unauthorized)
        assert why(outcome).message is messages.FILES_ELSEWHERE
        assert outcome.why.words["host"] == "files.invalid"
    assert len(taken.requests) == 2, "no redirect is followed"


async def test_a_refusal_in_the_servers_own_words(open_client: Open) -> None:
    body = json.dumps({"code": "not_found", "message": f"no {SIGN}", "status": 404}).encode()
    refusal = file(body, "application/json", 404)
    async with asked(open_client, answering(signed()), answering(refusal)) as (outcome, _):
        assert isinstance(outcome, Rejected)
        assert why(outcome).message is messages.FILE_REFUSED
    elsewhere = answering(signed(f"http://files.invalid{PATH}"))
    async with asked(open_client, elsewhere, answering(refusal)) as (outcome, _):
        assert why(outcome).message is messages.FILES_ELSEWHERE


@pytest.mark.parametrize("status", [500, 502, 503, 408, 599])
async def test_a_fault_is_asked_for_again_by_whoever_asks(open_client: Open, status: int) -> None:
    answer = file(SIGN.encode(), "text/html", status)
    async with asked(open_client, answering(signed()), answering(answer)) as (outcome, _):
        assert isinstance(outcome, NotReady)
        assert why(outcome).message is messages.SERVER_FAULT


async def test_throttled_in_both_calls(open_client: Open) -> None:
    limit = {"code": "forbidden", "message": "the knowledge base request rate limit", "status": 403}
    refused = reply(403, json.dumps(limit).encode())
    async with asked(open_client, answering(refused)) as (outcome, _):
        assert outcome == Throttled(60.0)
    async with asked(open_client, answering(signed()), answering(file(b"", OCTETS, 429))) as (o, _):
        assert o == Throttled(60.0)


async def test_a_larger_file_is_not_read(open_client: Open) -> None:
    scripts = answering(signed()), answering(file())
    async with asked(open_client, *scripts, largest=len(BYTES)) as (outcome, _):
        assert isinstance(outcome, Done)
        assert outcome.value.whole
    async with asked(open_client, *scripts, largest=len(BYTES) - 1) as (outcome, _):
        expected = Original(content="", size=0, declared=len(BYTES), whole=False)
        assert outcome == Done(expected)


async def test_a_file_without_end_is_not_read_to_it(open_client: Open) -> None:
    said = 0

    async def endless(line: Line) -> None:
        nonlocal said
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Type: x/y\r\nConnection: close\r\n\r\n")
        while True:
            await line.say(b"x" * 65536)
            said += 65536

    async with asked(open_client, answering(signed()), endless) as (outcome, _):
        assert isinstance(outcome, Done)
        assert not outcome.value.whole
        assert outcome.value.size > LARGEST
    assert said < 30 * LARGEST


async def test_what_comes_packed_unasked_is_not_unpacked(open_client: Open) -> None:
    packed = gzip.compress(b"x" * 50_000_000)
    bomb = file(packed, OCTETS, 200, "Content-Encoding: gzip")
    async with asked(open_client, answering(signed()), answering(bomb)) as (outcome, taken):
        assert why(outcome).message is messages.MALFORMED
    assert "accept-encoding: identity" in taken.heads[1].lower()


async def test_fewer_bytes_than_announced_every_time_is_a_truncated_file(open_client: Open) -> None:
    cut = short(BYTES[:1000], len(BYTES))
    async with asked(open_client, answering(signed()), cut) as (outcome, taken):
        assert isinstance(outcome, Done)
        found = outcome.value
        assert (found.whole, found.ended_early, found.declared) == (False, True, len(BYTES))
        assert found.size == 1000
        assert found.content == sha256(BYTES[:1000]).hexdigest()
    assert len(taken.requests) == 4, "asked again, at the same address"


async def test_a_connection_that_breaks_once_is_no_truncated_file(open_client: Open) -> None:
    scripts = answering(signed()), short(BYTES[:1000], len(BYTES)), answering(file())
    async with asked(open_client, *scripts) as (outcome, _):
        assert isinstance(outcome, Done)
        assert outcome.value.whole


async def test_a_reset_is_no_truncated_file(open_client: Open) -> None:
    async def hang_up(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome")
        line.reset()

    async with asked(open_client, answering(signed()), hang_up) as (outcome, _):
        if isinstance(outcome, Done):  # aiohttp does not tell it from an end in order
            assert not outcome.value.whole
        else:
            assert why(outcome).message is messages.CUT_OFF


async def test_silence_and_a_trickle_end(
    open_client: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        await asyncio.sleep(60)

    async def trickle(line: Line) -> None:
        await line.request()
        await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await line.say(b" ")
            await asyncio.sleep(0.02)

    monkeypatch.setattr(file_download, "PATIENCE", 1)
    monkeypatch.setattr(file_download, "SLOWEST_UPLOAD", 1 << 30)
    for script in (silent, trickle):
        started = time.monotonic()
        async with (
            serving(answering(signed()), script) as (url, _),
            open_client(url, read_timeout=0.3, connect_timeout=0.3) as client,
        ):
            outcome = await DifyRemote(client).original(ID, ID, largest=LARGEST)
        assert time.monotonic() - started < 10
        assert isinstance(outcome, NotReady)
        assert why(outcome).message is messages.SLOW


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("version", ["1.12.1", ""])
async def test_a_server_without_downloads(open_client: Open, status: int, version: str) -> None:
    told = [f"X-Version: {version}"] if version else []
    page = reply(status, b"<html>no</html>", "text/html", *told, "Connection: close")
    bases = reply(200, b'{"data": [], "total": 0, "has_more": false}', "application/json", *told)
    scripts = answering(page), answering(bases)
    async with serving(*scripts) as (url, taken), open_client(url) as client:
        for _ in range(2):
            outcome = await DifyRemote(client).original(ID, ID, largest=LARGEST)
            assert isinstance(outcome, Rejected)
            assert why(outcome).message is messages.NO_DOWNLOADS
            assert version in str(outcome.why)
            assert "1.13.1" in str(outcome.why)
    assert len(taken.requests) == 2, "asked once, and whether the address is right"


async def test_a_version_without_downloads_is_not_asked_for_one(open_client: Open) -> None:
    base = reply(200, BASE, "application/json", "X-Version: 1.13.0", "Connection: close")
    async with serving(answering(base)) as (url, taken), open_client(url) as client:
        await client.bases.get(ID)
        outcome = await DifyRemote(client).original(ID, ID, largest=LARGEST)
    assert why(outcome).message is messages.NO_DOWNLOADS
    assert len(taken.requests) == 1


async def test_a_missing_document_is_gone(open_client: Open) -> None:
    body = b'{"code": "not_found", "message": "Document not found.", "status": 404}'
    gone = reply(404, body, "application/json", "X-Version: 1.16.1")
    async with asked(open_client, answering(gone)) as (outcome, _):
        assert outcome == Gone()


async def test_no_signature_reaches_a_log(
    open_client: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with asked(open_client, answering(signed()), answering(file())) as (outcome, _):
        assert isinstance(outcome, Done)
    assert "download document" in caplog.text
    assert SIGN not in caplog.text
    assert KEY not in caplog.text
