"""What may stand between kbsync and a server: certificates, gateways, proxies, other ports.

All of it is real and on loopback: TLS with certificates made here, and proxies that let through.
"""

from __future__ import annotations

import atexit
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

Answer = Callable[[socket.socket], None]

HTML = "text/html; charset=utf-8"


def reply(status: int, body: str = "", kind: str = HTML, *headers: str) -> bytes:
    """Return a whole reply, after which the connection ends."""
    lines = [
        f"HTTP/1.1 {status} Whatever",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body.encode())}",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def saying(raw: bytes) -> Answer:
    """Return what answers every request with `raw`."""

    def answer(line: socket.socket) -> None:
        if head_of(line):
            line.sendall(raw)

    return answer


def head_of(line: socket.socket) -> bytes:
    """Read the head of a request, with what came with it; empty where none comes."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = line.recv(65536)
        if not piece:
            return b""
        head += piece
        if head[:1] == b"\x16":  # TLS, which servers without it answer like any other nonsense
            return head
    return head


@contextmanager
def listening(answer: Answer, trust: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer connections on a port of loopback, with TLS where `trust` is given; yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as closing:
        thread = threading.Thread(target=_accepting, args=(listener, answer, trust, closing))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _accepting(
    listener: socket.socket, answer: Answer, trust: ssl.SSLContext | None, closing: ExitStack
) -> None:
    while True:
        try:
            line, _ = listener.accept()
        except OSError:
            return
        closing.callback(line.close)
        thread = threading.Thread(target=_answered, args=(line, answer, trust))
        thread.start()
        closing.callback(thread.join)
        closing.callback(_ended, line)


def _ended(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _answered(line: socket.socket, answer: Answer, trust: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        line.settimeout(20)
        if trust is None:
            answer(line)
            _ended(line)
            return
        with trust.wrap_socket(line, server_side=True) as secured:
            answer(secured)


# -- certificates


@cache
def authority() -> tuple[Path, Path]:
    """Return the certificate and the key of an authority."""
    return _made("authority", "/CN=An authority", ("basicConstraints=critical,CA:TRUE",))


@cache
def self_signed(names: str) -> tuple[Path, Path]:
    """Return a certificate that no authority signed, and its key; `names` as for `certificate`."""
    return _made("server", "/CN=A server", (f"subjectAltName={names}",))


@cache
def certificate(names: str, *dates: str) -> tuple[Path, Path]:
    """Return a certificate of the authority, and its key.

    Args:
        names: what it is for, such as ``IP:127.0.0.1``.
        dates: from when to when it is valid; otherwise for a day from now.
    """
    return _made("server", "/CN=A server", (f"subjectAltName={names}",), authority(), dates)


def _made(
    name: str,
    subject: str,
    extensions: Sequence[str],
    issuer: tuple[Path, Path] | None = None,
    dates: Sequence[str] = (),
) -> tuple[Path, Path]:
    folder = Path(mkdtemp(prefix="kbsync-certificates-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made, key, database = folder / f"{name}.pem", folder / f"{name}.key", folder / "index"
    new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    new += ["-subj", subject, "-keyout", str(key)]
    more = [word for each in extensions for word in ("-addext", each)]
    if issuer is None:
        _openssl(*new, "-x509", "-days", "1", *more, "-out", str(made))
        return made, key
    asked = folder / "asked.csr"
    _openssl(*new, *more, "-out", str(asked))
    database.touch()
    settings = folder / "ca.cnf"
    settings.write_text(
        f"[ca]\ndefault_ca=a\n[a]\ndatabase={database}\nnew_certs_dir={folder}\nrand_serial=yes\n"
        "default_md=sha256\npolicy=p\ncopy_extensions=copy\n[p]\ncommonName=supplied\n"
    )
    validity = ["-startdate", dates[0], "-enddate", dates[1]] if dates else ["-days", "1"]
    signed = ["ca", "-batch", "-notext", "-config", str(settings), "-in", str(asked)]
    signed += ["-cert", str(issuer[0]), "-keyfile", str(issuer[1]), *validity, "-out", str(made)]
    _openssl(*signed)
    return made, key


def _openssl(*words: str) -> None:
    if not shutil.which("openssl"):
        pytest.skip("no openssl on this machine: apt-get install openssl (Debian package)")
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def secured(made: tuple[Path, Path]) -> ssl.SSLContext:
    """Return what a server with that certificate speaks TLS by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*made)
    return context


# -- proxies


def forwarding(target: int) -> Answer:
    """Return a proxy that passes every request, and every tunnel, on to a port of loopback."""

    def answer(line: socket.socket) -> None:
        head = head_of(line)
        if b"\r\n\r\n" not in head:
            return
        with socket.create_connection(("127.0.0.1", target)) as onward:
            if head.startswith(b"CONNECT "):
                line.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            else:
                onward.sendall(_direct(head))
            _joined(line, onward)

    return answer


def _direct(head: bytes) -> bytes:
    """Return the head of a request to a proxy as the server gets it."""
    first, _, rest = head.partition(b"\r\n")
    method, address, version = first.split(b" ")
    path = b"/" + address.split(b"/", 3)[3]
    return b" ".join((method, path, version)) + b"\r\nConnection: close\r\n" + rest


def socks(target: int) -> Answer:
    """Return a SOCKS5 proxy that leads every connection to a port of loopback."""

    def answer(line: socket.socket) -> None:
        line.recv(262)
        line.sendall(b"\x05\x00")
        line.recv(262)
        line.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        with socket.create_connection(("127.0.0.1", target)) as onward:
            _joined(line, onward)

    return answer


def _joined(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_passed_on, args=(other, one))
    back.start()
    _passed_on(one, other)
    back.join()


def _passed_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    _ended(target)
