"""Everything a person can get wrong, or that can go wrong around kbsync, and what kbsync says.

Each case is compared with a file in `tests/golden/bad_input`: what was typed, what was printed
(messages as code and words), the exit code. Afterwards whatever was mirrored before is still there,
and a mended world converges.
Set KBSYNC_GOLDEN=write to write the files anew; read the difference before committing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from front import JSON, Answer, Front, opened
from ledgers import FILE, FileLedger, Ledger
from typing_commands import COMMAND, KEY, Terminal, by_hand, environment, served

from kbsync.ledger import LedgerStore
from kbsync.messages import catalogue
from tests.coded import coded

pytestmark = pytest.mark.timeout(300)

GOLDEN = Path(__file__).parents[1] / "golden" / "bad_input"
# Root reads everything: a case about rights is typed without these.
DROPPED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
HEAD = 'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\nledger: "{ledger}"\n'
MIRROR = "  - {{name: docs, source: ./docs, knowledge_base: {base}, settle: 0s{more}}}\n"


class Setup:
    """A folder with a configuration, where one case is tried."""

    def __init__(self, folder: Path, case: str, front: Front, ledger: str) -> None:
        self.folder = folder
        self.ledger = ledger
        self.case = case
        self.front = front
        self.terminal = Terminal(folder)
        self.prefix: tuple[str, ...] = ()
        self.env = {"DIFY_API_KEY": KEY, "PYTHONDONTWRITEBYTECODE": "1"}
        (folder / "docs").mkdir()
        self.write("page.md", "# A page\n\nWith words.\n")
        self.configure()

    def write(self, name: str, words: str = "") -> Path:
        place = self.folder / "docs" / name
        place.write_text(words)
        return place

    def configure(self, url: str = "", base: str = "", more: str = "", mirrors: str = "") -> None:
        text = HEAD + "mirrors:\n" + (mirrors or MIRROR)
        words = {"url": url or self.front.url, "base": base or self.base, "more": more}
        self.config(text.format(ledger=self.ledger, **words))

    def config(self, text: str) -> None:
        (self.folder / "kbsync.yaml").write_text(text)

    @property
    def base(self) -> str:
        return self.case[:40]

    def synced(self) -> None:
        """Bring the mirror into step, so that there is something to lose."""
        self.terminal.type("apply")

    def refused(self, *words: str, exit: int) -> str:
        """Type a command, and compare what it says with the case's file."""
        code, stdout, stderr = self._run(words)
        text = self._plain(f"$ kbsync {' '.join(words)}\n{stdout}{stderr}")
        text += f"exit: {code}\n"
        compared = coded(text)
        expected = GOLDEN / f"{self.case}.txt"
        if os.environ.get("KBSYNC_GOLDEN") == "write":
            expected.write_text(compared, encoding="utf-8")
        assert code == exit, text
        assert compared == expected.read_text("utf-8")
        assert "  next: " in text
        assert KEY not in stdout + stderr
        assert "Traceback" not in text
        return text

    def _run(self, words: tuple[str, ...]) -> tuple[int, str, str]:
        if not self.prefix:
            return self.terminal.run(*words, env=self.env)
        done = subprocess.run(
            [*self.prefix, str(COMMAND), *words],
            cwd=self.folder,
            env=environment(**self.env),
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def _plain(self, text: str) -> str:
        for pattern, word in (
            (re.escape(str(self.folder)), "<here>"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "<id>"),
            (r"--release [0-9a-f]{12}", "--release <digest>"),
            (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
            (r"process \d+ on \S+ since [\d: -]+:", "process <pid> on <host> since <time>:"),
        ):
            text = re.sub(pattern, word, text)
        return text

    def nothing_lost(self, documents: int = 1) -> None:
        """What was mirrored is still there, and the mended world needs nothing more."""
        self.front.behaviour = lambda method, path: None
        self.configure()
        assert self._documents() == documents
        self.terminal.type("apply")
        assert json.loads(self.terminal.type("plan", "--json"))["counts"] == {}
        assert self._documents() == documents

    def _documents(self) -> int:
        with by_hand(self.front.url) as api:
            bases = api.get("/datasets", params={"limit": 100}).json()["data"]
            (base,) = [each["id"] for each in bases if each["name"] == self.base]
            return int(api.get(f"/datasets/{base}/documents").json()["total"])


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """One server for each database: its cases name their knowledge bases alike."""
    with ExitStack() as stack:
        yield cache(lambda kind: stack.enter_context(served(tmp_path_factory.mktemp(kind))))


@pytest.fixture
def setup(
    tmp_path: Path, real: Callable[[str], str], ledger: Ledger, request: pytest.FixtureRequest
) -> Iterator[Setup]:
    """A case of what the ledger keeps: it says the same whatever database that is in."""
    with opened(real(type(ledger).__name__)) as front:
        yield Setup(tmp_path, _case(request), front, ledger.address)


@pytest.fixture
def file_setup(
    tmp_path: Path, real: Callable[[str], str], request: pytest.FixtureRequest
) -> Iterator[Setup]:
    """A case that is about a configuration, a folder, an answer, or a ledger in a file."""
    with opened(real(FileLedger.__name__)) as front:
        yield Setup(tmp_path, _case(request), front, FILE)


def _case(request: pytest.FixtureRequest) -> str:
    named = request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")
    return str(getattr(request, "param", named))


# -- the configuration ---------------------------------------------------------------------------

TWO = "  - {{name: {one}, source: {here}, knowledge_base: Both{more}}}\n"


def two(one: str, here: str, other: str, there: str, more: str = "") -> str:
    first = TWO.replace("{one}", one).replace("{here}", here).replace("{more}", "")
    return first + TWO.replace("{one}", other).replace("{here}", there).replace("{more}", more)


CONFIGURATIONS: dict[str, Callable[[Setup], object]] = {
    "configuration-missing": lambda setup: (setup.folder / "kbsync.yaml").unlink(),
    "configuration-empty": lambda setup: setup.config(""),
    "configuration-tab": lambda setup: setup.config("version: 1\nserver:\n\turl: embedded\n"),
    "configuration-unknown-key": lambda setup: setup.configure(more=", exlude: ['*.txt']"),
    "configuration-missing-variable": lambda setup: setup.env.update(DIFY_API_KEY=""),
    "configuration-one-name-twice": lambda setup: setup.configure(
        mirrors=MIRROR + "  - {{name: docs, source: ./other, knowledge_base: Other}}\n"
    ),
    "configuration-colliding-names": lambda setup: setup.configure(
        mirrors=two("one", "./docs", "two", "./other")
    ),
    "configuration-nested-sources": lambda setup: setup.configure(
        mirrors=two("one", "./docs", "two", "./docs/deeper", ", prefix: deeper/").replace(
            "Both}}", "Both, prefix: whole/}}", 1
        )
    ),
    "configuration-same-sources": lambda setup: setup.configure(
        mirrors=two("one", "./docs", "two", "./docs/../docs", ", prefix: two/").replace(
            "Both}}", "Both, prefix: one/}}", 1
        )
    ),
}


@pytest.mark.parametrize("file_setup", CONFIGURATIONS, indirect=True)
def test_configuration(file_setup: Setup) -> None:
    file_setup.synced()
    CONFIGURATIONS[file_setup.case](file_setup)
    file_setup.refused("apply", exit=64)
    file_setup.env["DIFY_API_KEY"] = KEY
    file_setup.nothing_lost()


# -- the source ----------------------------------------------------------------------------------


def test_source_missing(file_setup: Setup) -> None:
    file_setup.synced()
    (file_setup.folder / "docs").rename(file_setup.folder / "away")
    file_setup.refused("apply", exit=3)
    (file_setup.folder / "away").rename(file_setup.folder / "docs")
    file_setup.nothing_lost()


def test_source_empty(setup: Setup) -> None:
    setup.synced()
    (setup.folder / "docs").rename(setup.folder / "away")
    (setup.folder / "docs").mkdir()
    setup.refused("apply", exit=4)
    (setup.folder / "docs").rmdir()
    (setup.folder / "away").rename(setup.folder / "docs")
    setup.nothing_lost()


def test_source_is_a_file(file_setup: Setup) -> None:
    file_setup.synced()
    (file_setup.folder / "docs").rename(file_setup.folder / "away")
    (file_setup.folder / "docs").write_text("a file")
    file_setup.refused("apply", exit=3)
    (file_setup.folder / "docs").unlink()
    (file_setup.folder / "away").rename(file_setup.folder / "docs")
    file_setup.nothing_lost()


def test_source_unreadable(file_setup: Setup) -> None:
    file_setup.synced()
    unprivileged(file_setup)
    (file_setup.folder / "docs").chmod(0o300)
    file_setup.refused("apply", exit=3)
    (file_setup.folder / "docs").chmod(0o755)
    file_setup.nothing_lost()


def unprivileged(setup: Setup) -> None:
    if os.geteuid() == 0 and shutil.which(DROPPED[0]) is None:
        pytest.skip("root reads everything, and nothing here takes rights away")
    setup.prefix = DROPPED if os.geteuid() == 0 else ()


# -- files ---------------------------------------------------------------------------------------


def test_file_too_large(file_setup: Setup) -> None:
    file_setup.configure(more=", max_file_size: 1KB")
    file_setup.write("large.md", "words " * 1000)
    file_setup.refused("apply", exit=0)
    (file_setup.folder / "docs" / "large.md").unlink()
    file_setup.nothing_lost()


def test_file_too_large_for_the_server(setup: Setup) -> None:
    setup.configure(more=", max_file_size: 40MB")
    setup.write("large.md", "words " * (16 << 20 >> 2))
    setup.refused("apply", exit=3)
    (setup.folder / "docs" / "large.md").unlink()
    setup.nothing_lost()


def test_file_of_a_refused_type(file_setup: Setup) -> None:
    file_setup.write("tune.mp3", "la la la")
    file_setup.refused("apply", exit=0)
    (file_setup.folder / "docs" / "tune.mp3").unlink()
    file_setup.nothing_lost()


def test_file_of_a_type_the_server_refuses(file_setup: Setup) -> None:
    file_setup.configure(more=", extensions: [md, mp3]")
    file_setup.write("tune.mp3", "la la la")
    file_setup.refused("apply", exit=3)
    (file_setup.folder / "docs" / "tune.mp3").unlink()
    file_setup.nothing_lost()


def test_file_without_bytes(file_setup: Setup) -> None:
    file_setup.write("empty.md")
    file_setup.refused("apply", exit=0)
    (file_setup.folder / "docs" / "empty.md").unlink()
    file_setup.nothing_lost()


def test_file_unreadable(file_setup: Setup) -> None:
    file_setup.synced()
    unprivileged(file_setup)
    page = file_setup.write("secret.md", "# Secret\n\nwords\n")
    page.chmod(0)
    file_setup.refused("apply", exit=3)
    page.chmod(0o644)
    file_setup.terminal.type("apply")
    file_setup.nothing_lost(documents=2)


def test_file_vanished_before_its_upload(file_setup: Setup) -> None:
    """The last question before the uploads is the base: that is when the file goes."""
    file_setup.synced()
    page = file_setup.write("fleeting.md", "# Fleeting\n\nwords\n")
    asked: list[str] = []

    def behaviour(method: str, path: str) -> Answer | None:
        asked.append(path)
        if sum(bool(re.fullmatch(r"/v1/datasets/[0-9a-f-]{36}", each)) for each in asked) == 2:
            page.unlink(missing_ok=True)
        return None

    file_setup.front.behaviour = behaviour
    file_setup.terminal.type("apply")
    assert not page.exists()
    file_setup.nothing_lost()


# -- the knowledge base --------------------------------------------------------------------------


def test_base_unknown_by_id(setup: Setup) -> None:
    setup.configure(base="{id: 00000000-0000-4000-8000-000000000000}")
    setup.refused("apply", exit=5)


def test_base_ambiguous_by_name(file_setup: Setup) -> None:
    ids = ("1c6d8a4e-0000-4000-8000-00000000000a", "1c6d8a4e-0000-4000-8000-00000000000b")
    file_setup.front.behaviour = lambda method, path: (
        listed(*(base_row(each, file_setup.base) for each in ids))
        if path == "/v1/datasets"
        else None
    )
    file_setup.refused("apply", exit=5)


PLUGINS = "pipeline/datasource-plugins"


@pytest.mark.parametrize("file_setup", ["base-external", "base-of-a-pipeline"], indirect=True)
def test_base_that_takes_no_documents(file_setup: Setup) -> None:
    external = file_setup.case == "base-external"
    draft = {"runtime_mode": "rag_pipeline", "is_published": False, "doc_metadata": []}
    changed = {"provider": "external"} if external else draft
    row = base_row("1c6d8a4e-0000-4000-8000-00000000000c", file_setup.base) | changed
    answers = {
        "/v1/datasets": listed(row),
        f"/v1/datasets/{row['id']}/{PLUGINS}": (200, JSON, b"[]"),
    }
    file_setup.front.behaviour = lambda method, path: answers.get(path)
    file_setup.refused("apply", exit=5)


def base_row(base_id: str, name: str) -> dict[str, object]:
    return {"id": base_id, "name": name, "provider": "vendor", "document_count": 0}


def listed(*rows: dict[str, object]) -> Answer:
    answer = {"data": rows, "total": len(rows), "page": 1, "limit": 100, "has_more": False}
    return 200, JSON, json.dumps(answer).encode()


# -- the server ----------------------------------------------------------------------------------


def test_key_wrong(file_setup: Setup) -> None:
    file_setup.synced()
    file_setup.env["DIFY_API_KEY"] = "dataset-of-another"
    file_setup.refused("apply", exit=5)
    file_setup.env["DIFY_API_KEY"] = KEY
    file_setup.nothing_lost()


FORBIDDEN = b'{"code": "forbidden", "message": "You do not have access.", "status": 403}'
ANSWERS: dict[str, tuple[int, Answer]] = {
    "key-without-permission": (5, (403, JSON, FORBIDDEN)),
    "server-answers-html": (1, (200, {"Content-Type": "text/html"}, b"<html>Welcome</html>")),
    "server-answers-an-html-404": (5, (404, {"Content-Type": "text/html"}, b"<html>No</html>")),
    "server-redirects": (5, (302, {"Location": "https://elsewhere.example/login"}, b"")),
    "server-truncates-json": (1, (200, JSON, b'{"data": [{"id": "1c6d8a4e')),
    "server-hangs-up": (1, (200, {**JSON, "Content-Length": "4000"}, b'{"data": [')),
}


@pytest.mark.parametrize("file_setup", ANSWERS, indirect=True)
@pytest.mark.seconds(8)
def test_server(file_setup: Setup) -> None:
    file_setup.synced()
    file_setup.write("new.md", "# New\n\nMore words.\n")
    exit_code, answer = ANSWERS[file_setup.case]
    file_setup.front.behaviour = lambda method, path: answer
    file_setup.refused("apply", exit=exit_code)
    file_setup.front.behaviour = lambda method, path: None
    file_setup.terminal.type("apply")
    file_setup.nothing_lost(documents=2)


@pytest.mark.seconds(8)
def test_server_not_there(file_setup: Setup) -> None:
    file_setup.synced()
    file_setup.configure(url="http://127.0.0.1:1/v1")
    file_setup.refused("apply", exit=1)
    file_setup.nothing_lost()


@pytest.mark.seconds(10)
def test_server_without_trust(file_setup: Setup) -> None:
    file_setup.synced()
    file_setup.configure(url=file_setup.front.url.replace("http:", "https:"))
    file_setup.refused("apply", exit=5)
    file_setup.nothing_lost()


# -- the ledger ----------------------------------------------------------------------------------


def test_ledger_in_use(file_setup: Setup) -> None:
    file_setup.synced()
    with LedgerStore.open(file_setup.folder / "state" / "ledger.db", command="kbsync apply"):
        file_setup.refused("apply", exit=1)
        file_setup.terminal.type("status")
    file_setup.nothing_lost()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of sixteen megabytes; only root can make one."""
    folder = tmp_path / "state"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True, timeout=10)


def test_ledger_on_a_full_disk(file_setup: Setup, small_disk: Path) -> None:
    file_setup.synced()
    for number in range(40):
        file_setup.write(f"page{number}.md", f"# Page {number}\n\nWith words {number}.\n")
    space = shutil.disk_usage(small_disk).free
    (small_disk / "ballast").write_bytes(b"x" * max(0, space - 40_000))
    file_setup.refused("apply", exit=1)
    (small_disk / "ballast").unlink()
    file_setup.terminal.type("apply")
    file_setup.nothing_lost(documents=41)


# -- all of them ---------------------------------------------------------------------------------


def test_every_file_belongs_to_a_case_and_names_known_codes() -> None:
    codes = catalogue()
    for path in GOLDEN.glob("*.txt"):
        found = re.findall(r"KB-[A-Z]\d{3}", path.read_text("utf-8"))
        assert found, path
        assert set(found) <= set(codes), path
