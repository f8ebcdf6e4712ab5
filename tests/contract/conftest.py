"""The servers under contract: embedded in process, embedded over TCP, and a real one if configured.

`KBSYNC_CONTRACT_URL` (with /v1) and `KBSYNC_CONTRACT_KEY` add a real server to the same tests. On a
version whose updates stop the indexing worker they run only with `KBSYNC_CONTRACT_UPDATES=1`.
In process the embedded server plays every version: the oldest, and those that were observed as real
servers, in every run; those between them once a change. What TCP adds is the same for all of them,
so there it plays the newest, and once a change the oldest.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from abilities import Ability, can
from canary import KEY
from collecting import ONCE, leave_out
from contract_server import Base, Json, Quirky, Server
from typing_commands import served

from kbsync.embedded import NEWEST, PROFILES, embedded_app

URL, REAL_KEY = os.environ.get("KBSYNC_CONTRACT_URL"), os.environ.get("KBSYNC_CONTRACT_KEY")
IN_PROCESS = "http://embedded.local/v1"
REAL = "a real server"
OLDEST = next(iter(PROFILES))
OBSERVED = (OLDEST, "1.12", NEWEST)
SERVERS = [
    *(
        pytest.param(("in process", dify), marks=[ONCE] * (dify not in OBSERVED))
        for dify in PROFILES
    ),
    pytest.param(("tcp", OLDEST), marks=ONCE),
    ("tcp", NEWEST),
    *([("real", REAL)] if URL and REAL_KEY else []),
]

met: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*abilities): what a version has to be able to do")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what a version that is played cannot do; of a real one it is known later."""
    leave_out(config, items, [item for item in items if _lacking(item)])


def _lacking(item: pytest.Item) -> bool:
    callspec = getattr(item, "callspec", None)
    server = callspec.params.get("module_server") if callspec else None
    if server is None or server[1] == REAL:
        return False
    told = PROFILES[server[1]].told
    # An update that does not end takes the server's threads from all tests after it.
    updates = [Ability.UPDATE_ENDS] if "updates" in getattr(item, "fixturenames", ()) else []
    return not all(can(told, ability) for ability in [*_needed(item), *updates])


def _needed(item: pytest.Item) -> list[Ability]:
    return [ability for mark in item.iter_markers("needs") for ability in mark.args]


def pytest_report_header() -> str:
    return f"servers under contract: {', '.join(PROFILES)}{' and a real one' if URL else ''}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for kind, version in met.items():
        terminalreporter.write_line(f"contract: {kind} server answered as version {version}")


# No wider than a module: an async fixture keeps its event loop, and other suites have their own.
@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def tcp_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Return what starts the server of a version once, and tells its URL."""
    urls: dict[str, str] = {}
    with ExitStack() as running:

        def url(dify: str) -> str:
            if dify not in urls:
                folder = tmp_path_factory.mktemp("tcp")
                urls[dify] = running.enter_context(served(folder, "--dify", dify))
            return urls[dify]

        yield url


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


@pytest.fixture(scope="module", params=SERVERS, ids=" ".join)
async def module_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Server]:
    kind, dify = request.param
    match kind:
        case "in process":
            store = tmp_path_factory.mktemp("in-process") / "store.db"
            async with embedded_app(store, api_key=KEY, dify=dify) as app:
                transport = httpx.ASGITransport(app)
                async with reached(kind, IN_PROCESS, KEY, transport) as server:
                    yield server
        case "tcp":
            url = request.getfixturevalue("tcp_url")(dify)
            async with reached(kind, url, KEY) as server:
                yield server
        case _:
            assert URL
            assert REAL_KEY
            async with reached(kind, URL, REAL_KEY) as server:
                await server.look()
                like = f", like {server.like}" if server.like else ""
                met[kind] = f"{server.version or 'unknown'}{like}"
                yield server


@pytest.fixture
async def server(module_server: Server, request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """The server; whatever the test made on it is removed after it."""
    for ability in _needed(request.node):
        if not module_server.can(ability):
            pytest.skip(f"version {module_server.version} has no {ability.name}")
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
    if not server.can(Ability.UPDATE_ENDS) and os.environ.get("KBSYNC_CONTRACT_UPDATES") != "1":
        pytest.skip("updates wedge this version; set KBSYNC_CONTRACT_UPDATES=1 to run them")


@pytest.fixture
def quirky(tmp_path: Path) -> Quirky:
    """Return what runs an embedded server with quirks: faults no real server has at will.

    Such tests run once, on the newest version, whatever servers are under contract.
    """

    @asynccontextmanager
    async def running(
        *quirks: str, delay: float = 0.0, dify: str = NEWEST
    ) -> AsyncIterator[Server]:
        store = tmp_path / "quirky.db"
        async with embedded_app(
            store, api_key=KEY, dify=dify, quirks=quirks, indexing_delay=delay
        ) as app:
            transport = httpx.ASGITransport(app)
            async with reached("quirky", IN_PROCESS, KEY, transport) as server:
                yield server

    return running


@pytest.fixture(params=["quirky", *(["real"] if URL and REAL_KEY else [])])
async def pipeline_base(request: pytest.FixtureRequest, quirky: Quirky) -> AsyncIterator[Base]:
    """A knowledge base with a pipeline; of a real server one that it has, for no API makes one."""
    if request.param == "quirky":
        async with quirky("pipeline-bases") as server:
            yield await server.new_base(indexing_technique="economy")
        return
    assert URL
    assert REAL_KEY
    async with reached("real", URL, REAL_KEY) as server:
        listed = (await server.http.get("/datasets", params={"limit": 100})).json()["data"]
        wanted = os.environ.get("KBSYNC_CONTRACT_PIPELINE")
        found = [row for row in listed if _has_pipeline(row, wanted)]
        if not found:
            pytest.skip("the server has no knowledge base with a published pipeline")
        yield Base(server, found[0]["id"], found[0]["name"])


def _has_pipeline(row: Json, wanted: str | None) -> bool:
    fits = row.get("runtime_mode") == "rag_pipeline" and row["is_published"]
    return row["id"] == wanted if wanted else fits
