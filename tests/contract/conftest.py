"""The servers under contract: embedded in process, embedded over TCP, and a real one if configured.

`KBSYNC_CONTRACT_URL` (with /v1) and `KBSYNC_CONTRACT_KEY` add a real server to the same tests. On a
version whose updates stop the indexing worker they run only with `KBSYNC_CONTRACT_UPDATES=1`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from canary import KEY
from contract_server import Base, Quirky, Server

from kbsync.embedded import embedded_app

URL, REAL_KEY = os.environ.get("KBSYNC_CONTRACT_URL"), os.environ.get("KBSYNC_CONTRACT_KEY")
KINDS = ["in process", "tcp", *(["real"] if URL and REAL_KEY else [])]
IN_PROCESS = "http://embedded.local/v1"

SERVE = """
import sys
from pathlib import Path
from kbsync.embedded import serve
serve(host="127.0.0.1", port=0, store=Path(sys.argv[1]), api_key=sys.argv[2],
      ready=lambda url: print(url, flush=True))
"""

met: dict[str, str] = {}


def pytest_report_header() -> str:
    return f"servers under contract: {', '.join(KINDS)}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for kind, version in met.items():
        terminalreporter.write_line(f"contract: {kind} server answered as version {version}")


# No wider than a module: an async fixture keeps its event loop, and other suites have their own.
@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def tcp_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    store = tmp_path_factory.mktemp("tcp") / "store.db"
    command = [sys.executable, "-c", SERVE, str(store), KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@asynccontextmanager
async def reached(
    kind: str, url: str, key: str, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Server]:
    """Reach a server; what is still there of ours at the end is removed."""
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=url, headers=headers, transport=transport, timeout=60.0, trust_env=False
    ) as http:
        server = Server(kind=kind, http=http, url=url, key=key, transport=transport)
        server.version = (await http.get("/datasets", params={"limit": 1})).headers.get("X-Version")
        try:
            yield server
        finally:
            if kind != "quirky":
                await server.remove(0)


@pytest.fixture(scope="module", params=KINDS)
async def module_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    match request.param:
        case "in process":
            store = tmp_path_factory.mktemp("in-process") / "store.db"
            async with embedded_app(store, api_key=KEY) as app:
                transport = httpx.ASGITransport(app)
                async with reached("in process", IN_PROCESS, KEY, transport) as server:
                    met[server.kind] = server.version or "unknown"
                    yield server
        case "tcp":
            url = request.getfixturevalue("tcp_url")
            async with reached("tcp", url, KEY) as server:
                met[server.kind] = server.version or "unknown"
                yield server
        case _:
            assert URL
            assert REAL_KEY
            async with reached("real", URL, REAL_KEY) as server:
                met[server.kind] = server.version or "unknown"
                yield server


@pytest.fixture
async def server(module_server: Server) -> AsyncIterator[Server]:
    """The server; whatever the test made on it is removed after it."""
    before = len(module_server.made)
    yield module_server
    await module_server.remove(before)


@pytest.fixture
async def base(server: Server) -> Base:
    """A new, empty knowledge base."""
    return await server.new_base()


@pytest.fixture
def updates(server: Server) -> None:
    """Skip where an update would stop the server's worker for ever (surprise 1)."""
    if server.update_wedges and os.environ.get("KBSYNC_CONTRACT_UPDATES") != "1":
        pytest.skip("updates wedge this version; set KBSYNC_CONTRACT_UPDATES=1 to run them")


@pytest.fixture
def quirky(tmp_path: Path) -> Quirky:
    """Return what runs an embedded server with quirks: faults no real server has at will.

    Such tests run once, whatever servers are under contract.
    """

    @asynccontextmanager
    async def running(*quirks: str, delay: float = 0.0) -> AsyncIterator[Server]:
        store = tmp_path / "quirky.db"
        async with embedded_app(store, api_key=KEY, quirks=quirks, indexing_delay=delay) as app:
            transport = httpx.ASGITransport(app)
            async with reached("quirky", IN_PROCESS, KEY, transport) as server:
                yield server

    return running
