"""The proxy does each fault as named, and nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from .faults import BRISK, Asked, Drawn, Fault, Verb, always, fair, verb_of
from .proxy import Passage, Proxy, Stage, between

ANSWER = json.dumps({"document": {"id": "1"}, "words": "so many of them " * 20}).encode()
PATH = "/v1/datasets/1/document/create-by-file"
PATIENCE = 0.4


class Upstream(ThreadingHTTPServer):
    """Counts what reaches it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.got: list[tuple[str, str, bytes, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class _Door(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def log_message(self, *words: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        key = self.headers.get("Authorization", "")
        self.server.got.append((self.command, self.path, body, key))
        self.send_response(200)
        if self.path.endswith("chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (ANSWER[:10], ANSWER[10:]):
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        if not self.path.endswith("endless"):
            self.send_header("Content-Length", str(len(ANSWER)))
        else:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(ANSWER)

    do_GET = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815 - named by the library


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    with between(upstream.url, patience=PATIENCE) as proxy:
        yield proxy


def connection(proxy: Proxy, timeout: float = 30) -> http.client.HTTPConnection:
    parts = urlsplit(proxy.url)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=timeout)


def post(proxy: Proxy, timeout: float = 30) -> tuple[int, http.client.HTTPMessage, bytes]:
    one = connection(proxy, timeout)
    try:
        one.request("POST", PATH, b"content", {"Authorization": "Bearer x"})
        reply = one.getresponse()
        return reply.status, reply.headers, reply.read()
    finally:
        one.close()


def soon(condition: object) -> None:
    end = time.monotonic() + 30
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


# -- without a fault -----------------------------------------------------------------------------


def test_requests_pass_on_one_connection(proxy: Proxy, upstream: Upstream) -> None:
    one = connection(proxy)
    for number in range(3):
        one.request("POST", PATH, f"content {number}".encode(), {"Authorization": "Bearer x"})
        reply = one.getresponse()
        assert (reply.status, reply.read()) == (200, ANSWER)
    one.close()
    assert upstream.got == [("POST", PATH, f"content {n}".encode(), "Bearer x") for n in range(3)]
    assert [(p.verb, p.done, p.answered) for p in proxy.passages] == [(Verb.CREATE, True, True)] * 3


@pytest.mark.parametrize("path", ["/v1/chunked", "/v1/endless"])
def test_replies_of_every_length_pass(proxy: Proxy, path: str) -> None:
    one = connection(proxy)
    one.request("GET", path)
    assert one.getresponse().read() == ANSWER
    one.close()


def test_chunked_requests_and_heads_pass(proxy: Proxy, upstream: Upstream) -> None:
    one = connection(proxy)
    one.request("POST", PATH, iter([b"con", b"tent"]), encode_chunked=True, headers={})
    assert one.getresponse().read() == ANSWER
    one.request("HEAD", "/v1/datasets")
    assert one.getresponse().read() == b""
    one.close()
    assert [body for _, _, body, _ in upstream.got] == [b"content", b""]


def test_half_a_request_is_not_passed_on(proxy: Proxy, upstream: Upstream) -> None:
    parts = urlsplit(proxy.url)
    with socket.create_connection((parts.hostname, parts.port)) as one:
        one.sendall(f"POST {PATH} HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf".encode())
    assert post(proxy)[0] == 200
    assert len(upstream.got) == len(proxy.passages) == 1


def test_stages_come_in_order(proxy: Proxy) -> None:
    stages: list[tuple[Stage, Verb]] = []

    def moment(stage: Stage, passage: Passage) -> None:
        stages.append((stage, passage.verb))

    proxy.moment = moment
    post(proxy)
    soon(lambda: len(stages) == 3)
    assert stages == [(stage, Verb.CREATE) for stage in Stage]


def test_a_server_that_is_not_there(proxy: Proxy) -> None:
    proxy.target = "http://127.0.0.1:1/v1"
    with pytest.raises(ConnectionError):
        post(proxy)
    assert not proxy.passages[0].done


# -- each fault ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.DROP_AFTER])
def test_drop(proxy: Proxy, upstream: Upstream, fault: Fault) -> None:
    proxy.schedule = always(fault, Verb.CREATE)
    with pytest.raises(ConnectionError):
        post(proxy)
    assert len(upstream.got) == (fault is Fault.DROP_AFTER)
    assert (proxy.passages[0].done, proxy.passages[0].answered) == (fault.effect, False)


@pytest.mark.parametrize("fault", [Fault.DELAY, Fault.LATE])
def test_the_client_gives_up(proxy: Proxy, upstream: Upstream, fault: Fault) -> None:
    proxy.schedule = always(fault, Verb.CREATE)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        post(proxy, timeout=PATIENCE)
    soon(lambda: proxy.passages[0].effective)
    soon(lambda: proxy.passages[0].status)
    landed = (proxy.passages[0].effective or 0) - began
    assert (landed > PATIENCE) == (fault is Fault.LATE)
    assert len(upstream.got) == 1
    assert not proxy.passages[0].answered


def test_a_delayed_reply_is_the_servers_own(proxy: Proxy) -> None:
    proxy.schedule = always(Fault.DELAY, Verb.CREATE)
    began = time.monotonic()
    assert post(proxy)[2] == ANSWER
    assert time.monotonic() - began > PATIENCE


def test_truncate(proxy: Proxy, upstream: Upstream) -> None:
    proxy.schedule = always(Fault.TRUNCATE, Verb.CREATE)
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(proxy)
    assert caught.value.partial == ANSWER[: len(ANSWER) // 2]
    assert len(upstream.got) == 1


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Fault.ERROR_BEFORE, 500, b"Internal Server Error"),
        (Fault.ERROR_AFTER, 500, b"Internal Server Error"),
        (Fault.GATEWAY_BEFORE, 502, b"<html>"),
        (Fault.GATEWAY_AFTER, 502, b"<html>"),
        (Fault.TOO_MANY, 429, b"{}"),
        (Fault.THROTTLE, 403, b"reached the knowledge base request rate limit of your"),
        (Fault.NONSENSE, 200, b'{"document": {"id"'),
    ],
)
def test_another_answer(
    proxy: Proxy, upstream: Upstream, fault: Fault, status: int, words: bytes
) -> None:
    proxy.schedule = always(fault, Verb.CREATE)
    answered, headers, body = post(proxy)
    assert answered == status
    assert words in body
    assert headers.get("Retry-After") == ("1" if fault is Fault.TOO_MANY else None)
    assert len(upstream.got) == fault.effect
    assert not proxy.passages[0].answered


def test_trickle(proxy: Proxy) -> None:
    proxy.schedule = always(Fault.TRICKLE, Verb.CREATE)
    parts = urlsplit(proxy.url)
    pieces = list[bytes]()
    with socket.create_connection((parts.hostname, parts.port)) as one:
        one.sendall(f"POST {PATH} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
        while not b"".join(pieces).endswith(ANSWER):
            pieces.append(one.recv(65536))
    assert len(pieces) > 10
    assert proxy.passages[0].done


def test_garbage(proxy: Proxy, upstream: Upstream) -> None:
    proxy.schedule = always(Fault.GARBAGE, Verb.CREATE)
    with pytest.raises(http.client.BadStatusLine):
        post(proxy)
    assert len(upstream.got) == 1


def test_faults_meet_whom_they_are_meant_for(proxy: Proxy) -> None:
    proxy.schedule = always(Fault.ERROR_BEFORE, Verb.DELETE)
    assert post(proxy)[0] == 200
    proxy.schedule = fair
    assert post(proxy)[0] == 200


# -- schedules -----------------------------------------------------------------------------------


def test_what_is_drawn_depends_on_the_request_alone() -> None:
    asked = [Asked(Verb.CREATE, f"page{n}.md") for n in range(300)]
    first, second = Drawn(7, 0.5), Drawn(7, 0.5)
    there = {each: first(each) for each in asked}
    back = {each: second(each) for each in reversed(asked)}
    assert there == back
    assert set(there.values()) == {None, *BRISK}
    assert {each: Drawn(8, 0.5)(each) for each in asked} != there
    assert any(first(each) != there[each] for each in asked)  # another time, another fault


@pytest.mark.parametrize(("rate", "least", "most"), [(0.0, 0, 0), (0.2, 120, 290), (1.0, 999, 999)])
def test_how_many_are_drawn(rate: float, least: int, most: int) -> None:
    drawn = Drawn(1, rate)
    met = [drawn(Asked(Verb.READ, f"/v1/{n}")) for n in range(999)]
    assert least <= sum(fault is not None for fault in met) <= most


@pytest.mark.parametrize(
    ("method", "path", "verb"),
    [
        ("POST", "/v1/datasets/1/document/create-by-file", Verb.CREATE),
        ("POST", "/v1/datasets/1/document/create_by_file", Verb.CREATE),
        ("POST", "/v1/datasets/1/documents/2/update-by-file", Verb.UPDATE),
        ("PATCH", "/v1/datasets/1/documents/2", Verb.UPDATE),
        ("DELETE", "/v1/datasets/1/documents/2", Verb.DELETE),
        ("DELETE", "/v1/datasets/1", Verb.OTHER),
        ("POST", "/v1/datasets/1/documents/metadata", Verb.MARK),
        ("POST", "/v1/datasets/1/metadata", Verb.MARK),
        ("POST", "/v1/datasets", Verb.OTHER),
        ("GET", "/v1/datasets/1/documents", Verb.READ),
    ],
)
def test_verbs(method: str, path: str, verb: Verb) -> None:
    assert verb_of(method, path) is verb
