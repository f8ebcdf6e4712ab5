"""What a verb loads: only what it uses, since loading is most of what a short verb costs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from cluster import Cluster
from typing_commands import KEY, Terminal, environment, served

# The command; at its end the names of all modules that are loaded, and how often garbage was looked
# for from its first line to its last.
NOTING = """
import atexit, gc, json, pathlib, sys
from kbsync.cli import main
noted = pathlib.Path(sys.argv.pop(1))
looks = lambda: sum(each["collections"] for each in gc.get_stats())
before = looks()
def note():
    loaded = [m for m in sys.modules if sys.modules[m]]
    noted.write_text(json.dumps({"modules": loaded, "looks": looks() - before}))
atexit.register(note)
main()
"""
# What migrates, serves, converts, shows bars and logs, and the part of httpx that is a command.
NEVER = {
    *(
        "alembic",
        "mako",
        "uvicorn",
        "watchdog",
        "structlog",
        "rich",
        "pygments",
        "httpx._main",
        "trio",
    ),
    *("aiohttp", "multipart", "bs4", "openpyxl", "docx", "pypdf", "markitdown", "jsonschema"),
    *("psycopg", "sqlalchemy.orm", "sqlalchemy.ext", "sqlalchemy.dialects.postgresql"),
    "kbsync.service.daemon",
    "kbsync.cluster",
}
EMBEDDED = {"starlette", "kbsync.embedded.asgi_app"}
SERVER = {"httpx", "httpcore", "h11", "kbsync.dify"}
ENGINE = {"kbsync.engine.reconciler", "kbsync.engine.observe", "kbsync.source.folder"}
WORKERS = {"kbsync.engine.workers.pool", "kbsync.engine.execute.executor"}
LEDGER = {"sqlalchemy", "kbsync.ledger"}
CONFIGURATION = {"pydantic", "yaml", "kbsync.config", "kbsync.model", "asyncio", "anyio"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that was mirrored to a server over HTTP."""
    place = tmp_path_factory.mktemp("loaded")
    (place / "docs").mkdir()
    (place / "docs" / "moon.md").write_text("# Moon\n\nThe moon is 4.5 billion years old.\n")
    with served(place) as url:
        (place / "kbsync.yaml").write_text(
            f"version: 1\nserver: {{url: '{url}', api_key: {KEY}}}\nledger: ./ledger.db\n"
            "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
        )
        Terminal(place).type("apply")
        yield place


class Noted(NamedTuple):
    """What a command loaded, and how often it looked for garbage."""

    modules: frozenset[str]
    looks: int


@cache
def noted(place: Path, *words: str) -> Noted:
    """Run `kbsync WORDS`, which ends well."""
    file = place / "noted.json"
    line = [sys.executable, "-c", NOTING, str(file), *words]
    subprocess.run(line, cwd=place, env=environment(), check=True, capture_output=True)
    found = json.loads(file.read_text())
    return Noted(frozenset(found["modules"]), found["looks"])


def loaded(place: Path, *words: str) -> AbstractSet[str]:
    return noted(place, *words).modules


def among(modules: AbstractSet[str], unwanted: set[str]) -> list[str]:
    """Return what of `modules` is one of `unwanted`, or in one of them."""
    return [m for m in sorted(modules) if any(m == u or m.startswith(f"{u}.") for u in unwanted)]


@pytest.mark.parametrize(
    ("words", "unused"),
    [
        ("--version", CONFIGURATION | LEDGER | ENGINE | SERVER | EMBEDDED),
        ("--help", CONFIGURATION | LEDGER | ENGINE | SERVER | EMBEDDED),
        ("status", ENGINE | WORKERS | SERVER | EMBEDDED),
        ("plan", WORKERS | EMBEDDED),
        ("apply", EMBEDDED),
        ("apply --no-refresh", EMBEDDED),
    ],
)
def test_a_verb_loads_what_it_uses(folder: Path, words: str, unused: set[str]) -> None:
    assert among(loaded(folder, *words.split()), NEVER | unused) == []


def test_status_of_a_ledger_on_a_server_loads_no_cluster_where_none_is(
    tmp_path: Path, cluster: Cluster
) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "kbsync.yaml").write_text(
        f"version: 1\nserver: {{url: embedded}}\nledger: {cluster.fresh()}\n"
        "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
    )
    Terminal(tmp_path).type("apply")
    assert among(loaded(tmp_path, "status"), {"kbsync.cluster"}) == []


@pytest.mark.parametrize("words", ["plan", "status", "apply --no-refresh"])
def test_a_verb_loads_without_a_look_for_garbage(folder: Path, words: str) -> None:
    assert noted(folder, *words.split()).looks == 0


# What the daemon works with, once all is loaded.
OF_THE_DAEMON = """
import gc, pathlib, sys
from kbsync.service import daemon
noted = pathlib.Path(sys.argv[1])
async def run(*words, **more):
    noted.write_text(f"{gc.get_threshold()[0]} {gc.get_freeze_count() > 0}")
daemon.run = run
from kbsync.cli import main
sys.argv = ["kbsync", "run"]
main()
"""


def test_the_daemon_looks_for_garbage_but_not_in_what_was_loaded(folder: Path) -> None:
    written = folder / "garbage"
    line = [sys.executable, "-c", OF_THE_DAEMON, str(written)]
    subprocess.run(line, cwd=folder, env=environment(), check=True, capture_output=True)
    assert written.read_text() == "20000 True"


def test_an_embedded_server_is_loaded_without_what_serves_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "kbsync.yaml").write_text(
        "version: 1\nserver: {url: embedded}\nledger: ./ledger.db\n"
        "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
    )
    Terminal(tmp_path).type("apply")
    assert among(loaded(tmp_path, "apply", "--no-refresh"), NEVER) == []


# The daemon's watches stand, and nothing else is done yet.
BEFORE_THE_REST = """
import pathlib, sys
from kbsync.service import early_watches
taken = early_watches.EarlyWatches.begin
def begin(self, mirrors, **more):
    taken(self, mirrors, **more)
    print(*sys.modules)
    self.stop()
    sys.exit(0)
early_watches.EarlyWatches.begin = begin
from kbsync.cli import main
sys.argv = ["kbsync", "run"]
main()
"""


def test_the_daemon_watches_before_it_loads_what_it_works_with(folder: Path) -> None:
    line = [sys.executable, "-c", BEFORE_THE_REST]
    run = subprocess.run(line, cwd=folder, env=environment(), check=True, capture_output=True)
    modules = set(run.stdout.decode().split()) - {"httpx._main"}  # only its name, see `UNUSED`
    assert "kbsync.source.watch.watcher" in modules
    assert among(modules, LEDGER | ENGINE | SERVER | EMBEDDED | {"kbsync.service.daemon"}) == []


# The daemon answers probes and Prometheus, and what is loaded then is printed before and after a
# page is asked for.
WITH_A_PAGE = """
import json, os, signal, sys, threading, time, urllib.request
from kbsync.cli import main
from kbsync.web import listener
taken = listener.listen
def ask(port):
    def loaded(*paths):
        for path in paths:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}").read()
        return [m for m in sys.modules if sys.modules[m]]
    time.sleep(0.5)
    found = [loaded("/healthz", "/metrics"), loaded("/")]
    open("modules.json", "w").write(json.dumps(found))
    os.kill(os.getpid(), signal.SIGTERM)
def listen(host, port):
    found = taken(host, port)
    threading.Thread(target=ask, args=found.getsockname()[1:]).start()
    return found
import kbsync.web.answering
kbsync.web.answering.listen = listen
sys.argv = ["kbsync", "run"]
main()
"""


def test_the_daemon_loads_its_pages_for_who_asks_for_one(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "kbsync.yaml").write_text(
        'version: 1\nserver: {url: embedded}\nledger: ./ledger.db\nweb: {listen: "127.0.0.1:0"}\n'
        "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
    )
    line = [sys.executable, "-c", WITH_A_PAGE]
    subprocess.run(line, cwd=tmp_path, env=environment(), check=True, capture_output=True)
    before, after = map(set, json.loads((tmp_path / "modules.json").read_text()))
    pages = {"jinja2", "kbsync.web.page_app", "kbsync.web.site"}
    assert among(before, pages) == []
    assert pages <= after
    assert among(after, {"kbsync.cluster"}) == []
