"""Servers that answer without end, or with little that becomes much.

Each case is the command as a process of its own, whose peak of memory the system counts.
"""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import warm
from pouring import GIBIBYTE, MEBIBYTE, Pour, head, once, pouring, squeezed, streamed
from typing_commands import KEY, environment

MOST = 400  # MiB; about 130 without any flood
MOST_ADDRESSED = 3 << 30  # so that a failure harms nothing else on the machine
LONGEST = 90.0
ID = "11111111-1111-4111-8111-111111111111"


def measured_run(
    folder: Path, url: str, *words: str, timeout: str = "60s"
) -> tuple[int, str, int, float]:
    """Type a command; return exit code, what it said, its peak in MiB, and seconds."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    (folder / "kbsync.yaml").write_text(
        f'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: {timeout}}}\n'
        "ledger: ./state/ledger.db\n"
        "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
    )
    said, began = folder / "said", time.monotonic()
    with said.open("wb") as file:
        ran = warm.start(words, folder=folder, env=environment(), stdout=file, stderr=file)
        resource.prlimit(ran.pid, resource.RLIMIT_AS, (MOST_ADDRESSED, MOST_ADDRESSED))
        code = ran.wait(LONGEST)
    return code, said.read_text(), ran.peak // 1024, time.monotonic() - began


def row(base_id: str) -> dict[str, object]:
    return {"id": base_id, "name": "Docs", "provider": "vendor", "document_count": 1}


def many_values() -> Pour:
    body = b'{"data": [' + b"{}," * (5 * MEBIBYTE) + b"{}]}"
    return once(head(length=len(body)) + body)


def deep() -> Pour:
    body = b'{"data": ' + b"[" * (4 * MEBIBYTE)
    return once(head(length=len(body)) + body)


def long_ids() -> Pour:
    rows = [row(f"{number}" + "i" * MEBIBYTE) for number in range(2)]
    body = json.dumps({"data": rows, "total": 2, "has_more": False}).encode()
    return once(head(length=len(body)) + body)


def long_headers() -> Pour:
    lines = [f"X-Long-{number}: " + "h" * 60_000 for number in range(200)]
    return once(head(*lines, length=2) + b"{}")


def endless_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X-More: " + b"h" * 4000 + b"\r\n")


def endless_chunks(connection: socket.socket) -> None:
    connection.sendall(head("Transfer-Encoding: chunked"))
    while True:
        connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


FLOODS: dict[str, Callable[[], Pour]] = {
    "a gibibyte": lambda: streamed(b" " * MEBIBYTE, GIBIBYTE),
    "a gibibyte of refusal": lambda: streamed(b"x" * MEBIBYTE, GIBIBYTE, "400 Bad Request"),
    "a gibibyte of fault": lambda: streamed(b"x" * MEBIBYTE, GIBIBYTE, "500 Oh"),
    "a gibibyte in gzip": lambda: squeezed(GIBIBYTE, 1),
    "a gibibyte in gzip in gzip": lambda: squeezed(GIBIBYTE, 2),
    "a gibibyte in gzip in gzip in gzip": lambda: squeezed(GIBIBYTE, 3),
    "a gibibyte in deflate in deflate": lambda: squeezed(GIBIBYTE, 2, "deflate"),
    "a refusal in gzip in gzip": lambda: squeezed(GIBIBYTE, 2, status="403 Forbidden"),
    "many small values": many_values,
    "deep JSON": deep,
    "ids of a mebibyte": long_ids,
    "long headers": long_headers,
    "endless headers": lambda: endless_headers,
    "endless chunks": lambda: endless_chunks,
}
# A pass asks five times, which shows that nothing is kept of one answer when the next one comes.
BY_A_PASS = ("a gibibyte", "a gibibyte in gzip in gzip", "ids of a mebibyte")


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_fills_no_memory(tmp_path: Path, name: str) -> None:
    words = ("apply",) if name in BY_A_PASS else ("kb", "list")
    with pouring(FLOODS[name]()) as url:
        code, said, mebibytes, _ = measured_run(tmp_path, url, *words, timeout="2s")
    assert code in (1, 5), (code, said[-3000:])
    assert "Traceback" not in said
    assert "  next: " in said
    assert len(said) < 5000
    assert KEY not in said
    assert mebibytes < MOST, mebibytes


def trickle(connection: socket.socket) -> None:
    connection.sendall(head(length=100_000))
    while True:
        connection.sendall(b" ")
        time.sleep(0.2)


def silence(connection: socket.socket) -> None:
    connection.recv(1)


def slow_head(connection: socket.socket) -> None:
    for each in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"s" * 100_000:
        connection.sendall(bytes([each]))
        time.sleep(0.2)


def endless_informations(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        time.sleep(0.05)


@pytest.mark.parametrize("pour", [trickle, silence, slow_head, endless_informations])
@pytest.mark.seconds(15)
def test_a_slow_server_is_left_in_time(tmp_path: Path, pour: Pour) -> None:
    """One call takes at most ten seconds to connect and five timeouts."""
    with pouring(pour) as url:
        code, said, _, seconds = measured_run(tmp_path, url, "kb", "list", timeout="1s")
    assert code == 1, said
    assert "  next: " in said
    assert seconds < 60
