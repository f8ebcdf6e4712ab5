"""A key is never printed: not by a verb, not by an error, not by a server that throws it back."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from canary import TRACE, traces
from running_daemon import keeping
from typing_commands import KEY, Terminal, served

from kbsync.cli import VERBS
from kbsync.cli import obey as run

OURS = ("init", "validate", "schema", "serve", "search", "kb", "docs", "chunks", "demo")


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers everything with the key it was sent: as code, message, header and page."""

    status = 500

    def _answer(self) -> None:
        key = self.headers.get("authorization", "")
        body = f'{{"code": "{key}", "message": "{key}", "status": {self.status}}}'.encode()
        self.send_response(self.status)
        self.send_header("content-type", "application/json")
        self.send_header("location", f"http://{key.split()[-1]}/")
        self.send_header("x-version", key.split()[-1])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def echoing(status: int) -> Iterator[str]:
    handler = type("Handler", (Echo,), {"status": status})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIFY_API_KEY", raising=False)
    (tmp_path / "docs").mkdir()
    (tmp_path / "a.md").write_text("# A\n")
    return tmp_path


def write_config(url: str) -> None:
    Path("kbsync.yaml").write_text(
        f'version: 1\nserver: {{url: "{url}", api_key: {KEY}}}\nledger: ./state/ledger.db\n'
        "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs}\n"
    )


ASKED = (
    ("validate",),
    ("validate", "--json"),
    ("search", "anything"),
    ("kb", "list"),
    ("kb", "list", "--json"),
    ("kb", "create", "Docs", "--json"),
    ("kb", "get", "Docs"),
    ("docs", "create-file", "Docs", "a.md"),
    ("chunks", "list", "Docs", "a.md", "--json"),
    ("init",),
    ("schema",),
)


@pytest.mark.parametrize("words", [(), *((verb, "--help") for verb in (*OURS, *VERBS))])
def test_help(
    words: tuple[str, ...],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KBSYNC_SERVE_KEY", KEY)
    monkeypatch.setenv("DIFY_API_KEY", KEY)
    run(list(words))
    out, err = capsys.readouterr()
    assert out + err
    assert KEY not in out + err


@pytest.mark.parametrize("status", [200, 302, 400, 401, 403, 404, 409, 429, 500])
def test_a_server_that_throws_the_key_back(
    status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with echoing(status) as url:
        write_config(url)
        for words in ASKED:
            run(["--log-level", "debug", *words])
    out, err = capsys.readouterr()
    assert "kbsync:" in err
    assert KEY not in out + err


def test_a_server_that_works(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(folder) as url:
        write_config(url)
        for words in ASKED:
            run(["--log-level", "debug", *words])
    out, err = capsys.readouterr()
    assert "Docs" in out
    assert KEY not in out + err


@pytest.mark.parametrize(
    "words",
    [
        ("--api-key", KEY, "--host", "0.0.0.0"),
        ("--api-key", KEY, "--quirk", "nothing-like-it"),
        ("--api-key", KEY, "--data", "a.md/k.db"),
        ("--api-key", KEY, "--port", "99999"),
        ("--api-key", f"{KEY} {KEY}"),
        ("--api-key", KEY, "--api-key-file", "key"),
    ],
)
def test_serve_that_cannot_start(
    words: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("key").write_text(KEY)
    assert run(["serve", *words]) in (1, 64)
    out, err = capsys.readouterr()
    assert err
    assert KEY not in out + err


def test_a_configuration_that_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headers = f"headers: {{Authorization: {KEY}}}", f"headers: {{X-A: [{KEY}]}}", f"headers: {KEY}"
    keys = f"api_key: [{KEY}]", f"api_key: '{KEY} {KEY}'", f"api_kee: {KEY}", f"'{KEY}'"
    for broken in (*keys, *headers):
        Path("kbsync.yaml").write_text(
            f"version: 1\nserver:\n  url: https://example.org/v1\n  {broken}\n"
            "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs}\n"
        )
        assert run(["validate"]) == 64
        assert run(["kb", "list"]) == 64
    out, err = capsys.readouterr()
    assert KEY not in out + err


# -- everything a life leaves behind -------------------------------------------------------------

WAYS = {
    "the configuration": f'api_key: "{KEY}"',
    "the environment": 'api_key: "${DIFY_API_KEY}", headers: {X-Gateway: "${DIFY_API_KEY}"}',
    "a named variable": "api_key_env: DIFY_API_KEY",
    "a key file": "api_key_file: key",
}
LIFE: tuple[tuple[str, ...], ...] = (
    ("validate",),
    ("plan",),
    ("plan", "-o", "plan.json"),
    ("apply", "plan.json"),
    ("apply", "--json"),
    ("status", "--json"),
    ("history", "--json"),
    ("explain", "a.md"),
    ("doctor",),
    ("search", "page"),
    ("docs", "list", "Docs", "--json"),
    ("ledger", "check"),
    ("ledger", "backup", "backup.db"),
)


SHORT = tuple(words for words in LIFE if words[0] in ("validate", "apply", "doctor", "history"))


def live(
    folder: Path,
    server: str,
    *,
    env: dict[str, str] | None = None,
    life: tuple[tuple[str, ...], ...] = LIFE,
) -> str:
    """Type each command of a life; return all that was printed."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "a.md").write_text("# A page\n\nWith words.\n")
    (folder / "key").write_text(KEY)
    (folder / "kbsync.yaml").write_text(
        f"version: 1\nserver: {{{server}, timeout: 2s}}\nledger: ./state/ledger.db\n"
        "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}\n"
    )
    terminal = Terminal(folder)
    printed = ""
    for words in life:
        _, out, err = terminal.run("--log-level", "debug", *words, env=env)
        printed += out + err
        assert "Traceback" not in printed
    return printed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.seconds(5)
def test_a_whole_life_leaves_no_key(tmp_path: Path, way: str) -> None:
    with served(tmp_path) as url:
        printed = live(tmp_path, f'url: "{url}", {WAYS[way]}')
        assert "1 created" in printed or '"create": 1' in printed
        with keeping(tmp_path, env={"KBSYNC_LOG_LEVEL": "debug"}) as daemon:
            (tmp_path / "docs" / "b.md").write_text("# Another page\n\nWith more words.\n")
            daemon.until_said("create", outcome="done")
            printed += Terminal(tmp_path).type("status")
            daemon.end()
    assert TRACE not in printed
    assert traces(tmp_path) == []


@pytest.mark.parametrize("status", [401, 500])
@pytest.mark.seconds(10)
def test_a_server_that_throws_the_key_back_leaves_none(tmp_path: Path, status: int) -> None:
    with echoing(status) as url:
        printed = live(tmp_path, f'url: "{url}", api_key_file: key', life=SHORT)
    assert "kbsync:" in printed
    assert TRACE not in printed
    assert traces(tmp_path) == []


@pytest.mark.parametrize(
    ("server", "env"),
    [
        (f'url: "http://{KEY}@127.0.0.1:9/v1", api_key: k', {}),
        (f'url: "http://u:{KEY}@127.0.0.1:9/v1", api_key: k', {}),
        (f'url: "http://127.0.0.1:9/{KEY}?k={KEY}", api_key: k', {}),
        (f'url: "http://127.0.0.1:9/v1", api_key: k, proxy: "http://u:{KEY}@127.0.0.1:9"', {}),
        (f'url: "http://127.0.0.1:9/v1", api_key: k, proxy: "socks5://u:{KEY}@127.0.0.1:9"', {}),
        (
            'url: "http://10.255.255.1:9/v1", api_key: k',
            {"http_proxy": f"http://u:{KEY}@127.0.0.1:9"},
        ),
    ],
    ids=["user", "password", "path", "proxy", "socks", "environment"],
)
@pytest.mark.seconds(6)
def test_a_secret_in_an_address_is_not_printed(
    tmp_path: Path, server: str, env: dict[str, str]
) -> None:
    printed = live(tmp_path, server, env=env, life=SHORT)
    assert "  next: " in printed
    assert TRACE not in printed
    assert traces(tmp_path) == []
