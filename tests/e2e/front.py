"""A door in front of a real server that lets everything through until a test has it misbehave."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Answer = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[str, str], Answer | None]

JSON = {"Content-Type": "application/json"}


def through(method: str, path: str) -> Answer | None:
    """Let the call through."""
    return None


class Front(ThreadingHTTPServer):
    """Listens on loopback; `behaviour` may answer a call itself.

    Args:
        target: the real server's URL.
        port: where to listen; 0 for any free port.
    """

    daemon_threads = True

    def __init__(self, target: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Door)
        parts = urlsplit(target)
        self.host, self.backend = parts.hostname or "", parts.port or 0
        self.behaviour: Behaviour = through
        self.url = f"http://127.0.0.1:{self.server_port}/v1"


class _Door(BaseHTTPRequestHandler):
    server: Front

    def log_message(self, *words: object) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.behaviour(self.command, self.path.partition("?")[0])
        status, headers, content = answer or self._asked(body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content)
        self.close_connection = True

    def _asked(self, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(self.server.host, self.server.backend, timeout=30)
        kept = {n: v for n, v in self.headers.items() if n.lower() not in ("host", "connection")}
        connection.request(self.command, self.path, body, kept)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        kept = {name: reply.headers[name] for name in ("Content-Type", "X-Version", "Date")}
        return reply.status, {name: value for name, value in kept.items() if value}, content

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by the library


@contextmanager
def opened(target: str, port: int = 0) -> Iterator[Front]:
    """Open the door for as long as the block runs."""
    front = Front(target, port)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield front
    finally:
        front.shutdown()
        front.server_close()
        thread.join()
