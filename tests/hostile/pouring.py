"""A server that answers every request with what a test pours into the connection."""

from __future__ import annotations

import gzip
import socket
import socketserver
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Pour = Callable[[socket.socket], object]
GIBIBYTE = 1 << 30
MEBIBYTE = 1 << 20


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    pour: Pour


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        self.rfile.read(length)
        try:
            self.server.pour(self.connection)
        except OSError:  # the client hung up
            return


@contextmanager
def pouring(pour: Pour) -> Iterator[str]:
    """Serve on loopback; yield the address."""
    with _Server(("127.0.0.1", 0), _Connection) as server:
        server.pour = pour
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


def head(*lines: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """Return the head of a reply in JSON."""
    lines_sent = [
        f"HTTP/1.1 {status}",
        "Content-Type: application/json",
        "Connection: close",
        *lines,
    ]
    if length is not None:
        lines_sent.append(f"Content-Length: {length}")
    return "\r\n".join(lines_sent).encode() + b"\r\n\r\n"


def once(raw: bytes) -> Pour:
    """Pour one reply."""
    return lambda connection: connection.sendall(raw)


def streamed(piece: bytes, size: int, status: str = "200 OK") -> Pour:
    """Pour `size` bytes, `piece` by `piece`; never more than one of them is held."""

    def pour(connection: socket.socket) -> None:
        connection.sendall(head(status=status, length=size))
        for _ in range(size // len(piece)):
            connection.sendall(piece)

    return pour


def squeezed(size: int, times: int, kind: str = "gzip", status: str = "200 OK") -> Pour:
    """Pour a bomb: `size` blanks, compressed `times` times."""
    body = _blanks(size, kind)
    for _ in range(times - 1):
        body = gzip.compress(body, 9, mtime=0) if kind == "gzip" else zlib.compress(body, 9)
    encoding = f"Content-Encoding: {', '.join([kind] * times)}"
    return once(head(encoding, status=status, length=len(body)) + body)


def _blanks(size: int, kind: str) -> bytes:
    """Compress one mebibyte, and say it again and again: flushed in full it stands for itself."""
    packer = zlib.compressobj(9, wbits=31 if kind == "gzip" else 15)
    first = packer.compress(b"[" + b" " * (MEBIBYTE - 1)) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(b" " * MEBIBYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (size // MEBIBYTE - 1) + packer.flush()
