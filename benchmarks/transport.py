"""CPU and time per small upload, by transport: what stands behind the choice in dify/transport.py.

    python benchmarks/transport.py [UPLOADS]

A sink on loopback (uvicorn, a process of its own) takes 4 KiB multipart uploads and answers as the
API does; the client's CPU time is measured, four uploads in flight. `floor` is a hand-written
HTTP/1.1 exchange over asyncio streams: what is left when a library does nothing at all.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import ssl
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

import httpx

from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.dify.multipart import Multipart
from kbsync.dify.transport import BulkTransport

SIZE = 4096
IN_FLIGHT = 4
ROUNDS = 7
WARM_UP = 25  # uploads of each worker before the clock starts
BASE = "22f83db9-93e4-424b-a446-2b01259772f4"
OPTIONS = {"indexing_technique": "economy", "process_rule": {"mode": "automatic"}}
DOCUMENT = {
    "id": "24b1b4bf-3fea-40e8-b285-7580e850fe85",
    "name": "first.md",
    "data_source_info": {"upload_file_id": "89d3591f-8a75-4cd7-a600-bf04f9aefbed"},
    "indexing_status": "waiting",
    "display_status": "queuing",
    "doc_metadata": None,
}
REPLY = json.dumps({"document": DOCUMENT, "batch": "20261122050921715651"}).encode()

SINK = """
import socket, sys, uvicorn
from starlette.requests import Request
from starlette.responses import Response
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await Request(scope, receive).body()
    await Response(sys.argv[1], media_type="application/json")(scope, receive, send)
# The protocol has to be said, or asyncio leaves Nagle's algorithm on and every reply waits 40 ms.
listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listening.bind(("127.0.0.1", 0))
print(listening.getsockname()[1], flush=True)
config = uvicorn.Config(app, log_level="error", lifespan="off", timeout_keep_alive=300)
uvicorn.Server(config).run(sockets=[listening])
"""


class Memory:
    """A payload of `SIZE` bytes."""

    media_type = "text/markdown"
    size = SIZE

    def __init__(self) -> None:
        self._left = io.BytesIO(b"x" * SIZE)
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._left.read(size)
        self._hash.update(piece)
        return piece

    @property
    def content(self) -> str:
        return self._hash.hexdigest()

    def torn(self) -> bool:
        return False


Upload = Callable[[], Awaitable[None]]


def by_client(client: DifyClient) -> Upload:
    async def upload() -> None:
        outcome = await client.documents.create_by_file(BASE, "first.md", Memory(), OPTIONS)
        assert type(outcome).__name__ == "Done", outcome

    return upload


def by_httpx(http: httpx.AsyncClient, port: int) -> Upload:
    """The library alone, its own multipart encoder included."""
    url = f"http://127.0.0.1:{port}/v1/datasets/{BASE}/document/create-by-file"

    async def upload() -> None:
        files = {"file": ("first.md", b"x" * SIZE, "text/markdown")}
        reply = await http.post(url, files=files, data={"data": json.dumps(OPTIONS)})
        assert reply.status_code == 200

    return upload


def by_hand(port: int) -> Upload:
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def upload() -> None:
        reader, writer = idle.pop() if idle else await asyncio.open_connection("127.0.0.1", port)
        body = Multipart("first.md", Memory(), OPTIONS)
        head = (
            f"POST /v1/datasets/{BASE}/document/create-by-file HTTP/1.1\r\nhost: x\r\n"
            f"content-type: {body.media_type}\r\ncontent-length: {body.length}\r\n\r\n"
        )
        writer.write(head.encode())
        async for piece in body:
            writer.write(piece)
        reply = await reader.readuntil(b"\r\n\r\n")
        length = int(reply.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        json.loads(await reader.readexactly(length))
        idle.append((reader, writer))

    return upload


async def measure(upload: Upload, count: int) -> tuple[float, float]:
    """Return CPU and wall milliseconds per upload."""

    async def worker(share: int) -> None:
        for _ in range(share):
            await upload()

    await asyncio.gather(*(worker(min(WARM_UP, count)) for _ in range(IN_FLIGHT)))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(worker(count // IN_FLIGHT) for _ in range(IN_FLIGHT)))
    spent = time.process_time() - cpu, time.perf_counter() - wall
    return spent[0] / count * 1000, spent[1] / count * 1000


async def compare(port: int, count: int) -> None:
    access = Access(url=f"http://127.0.0.1:{port}/v1", key=ApiKey("benchmark-key"))
    rows: dict[str, Upload] = {}
    opened: list[DifyClient | httpx.AsyncClient] = []

    own = DifyClient(access, httpx.AsyncHTTPTransport())
    bare = httpx.AsyncClient()
    rows["client on httpx"], rows["bare httpx"] = by_client(own), by_httpx(bare, port)
    opened += [own, bare]
    try:
        from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415
    except ImportError:
        print("httpx-aiohttp is not installed: its rows are left out")
    else:
        trust, limits = ssl.create_default_context(), httpx.Limits(keepalive_expiry=1.5)
        own_first = httpx.AsyncHTTPTransport(verify=trust)
        over = DifyClient(access, BulkTransport(own_first, trust, limits, change_over=0))
        bare_over = httpx.AsyncClient(transport=AiohttpTransport())
        rows["client on aiohttp"] = by_client(over)
        rows["bare httpx-aiohttp"] = by_httpx(bare_over, port)
        opened += [over, bare_over]
    rows["floor"] = by_hand(port)

    # Round by round, so that a busy moment of the machine falls on all of them.
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in rows}
    for _ in range(ROUNDS):
        for name, upload in rows.items():
            runs[name].append(await measure(upload, count))
    print(f"{count} uploads of {SIZE} bytes, {IN_FLIGHT} in flight, {ROUNDS} rounds")
    print(f"{'':26}{'CPU ms: best':>14}{'median':>9}{'wall ms: best':>16}{'median':>9}")
    for name, seen in runs.items():
        cpu, wall = sorted(run[0] for run in seen), sorted(run[1] for run in seen)
        middle = ROUNDS // 2
        print(f"{name:26}{cpu[0]:14.3f}{cpu[middle]:9.3f}{wall[0]:16.3f}{wall[middle]:9.3f}")
    for each in opened:
        await (each.close() if isinstance(each, DifyClient) else each.aclose())


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    command = [sys.executable, "-c", SINK, REPLY.decode()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        try:
            assert sink.stdout is not None
            asyncio.run(compare(int(sink.stdout.readline()), count))
        finally:
            sink.terminate()


if __name__ == "__main__":
    main()
