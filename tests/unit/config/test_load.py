"""What a sound configuration comes out as."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import pytest
from canary import KEY as SECRET
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from kbsync.config import LedgerAddress, Settings, load
from kbsync.config.template import starter
from kbsync.messages import Problem

MIRROR = "{name: docs, source: ./docs, knowledge_base: Docs}"


def settings(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / "kbsync.yaml").write_text(text, encoding="utf-8")
    return load(tmp_path / "kbsync.yaml", environ)


def embedded(tmp_path: Path, more: str = "", **environ: str) -> Settings:
    head = "version: 1\nserver: {url: embedded}\n"
    return settings(tmp_path, f"{head}mirrors:\n  - {MIRROR[:-1]}{more}}}\n", **environ)


def test_the_pinned_surface(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "version: 1\n"
        'server: {url: "https://api.dify.ai/v1", api_key: "${DIFY_API_KEY}"}\n'
        "ledger: ./state/ledger.db\n"
        f"mirrors:\n  - {MIRROR}\n",
        DIFY_API_KEY=f"{SECRET}\n",
    )
    (mirror,) = found.mirrors
    server = found.server_of(mirror)
    assert server.api_key is not None
    assert server.api_key.get_secret_value() == SECRET
    assert found.key_origins == {"default": "the environment variable DIFY_API_KEY"}
    assert found.ledger == LedgerAddress(path=tmp_path / "state" / "ledger.db")
    assert found.state == tmp_path / "state"
    assert mirror.source == tmp_path / "docs"
    assert (mirror.knowledge_base.name, mirror.knowledge_base.id) == ("Docs", None)
    assert (mirror.settle, mirror.delete_grace, mirror.ambiguity_window) == (1, 30, 900)
    assert (mirror.local_resync, mirror.remote_resync, mirror.max_indexing) == (
        900,
        3600,
        None,
    )
    assert found.mirror("docs") is mirror
    assert found.mirror("other") is None


def test_read_only_of_one_mirror_and_of_the_whole_file(tmp_path: Path) -> None:
    assert embedded(tmp_path).mirrors[0].read_only is False
    assert embedded(tmp_path, ", read_only: true").mirrors[0].read_only is True
    whole = "version: 1\nserver: {url: embedded}\nread_only: true\njournal_retention: 7d\n"
    found = settings(tmp_path, f"{whole}mirrors:\n  - {MIRROR}\n")
    assert (found.mirrors[0].read_only, found.journal_retention) == (True, 7 * 86400)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "version: 1\n"
        f'server: {{url: "https://x/v1", api_key: {SECRET}, proxy: "http://u:{SECRET}@p:1"}}\n'
        f"ledger: postgresql://u:{SECRET}@db/kbsync\n"
        f"mirrors:\n  - {MIRROR}\n",
    )
    assert found.ledger.url == f"postgresql+psycopg://u:{SECRET}@db/kbsync"
    assert SECRET not in f"{found!r}{found}{found.servers}{found.ledger}"


def test_settings_are_frozen(tmp_path: Path) -> None:
    found = embedded(tmp_path)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.file = tmp_path  # type: ignore[misc]
    with pytest.raises(ValidationError):
        found.mirrors[0].prune = False


def test_settings_of_two_files_do_not_share_a_default_ledger(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = embedded(tmp_path), embedded(tmp_path / "other")
    assert one.ledger.path != other.ledger.path
    assert one.ledger == embedded(tmp_path).ledger
    assert one.servers["default"].data == one.state / "knowledge.db"


@pytest.mark.parametrize(
    ("ledger", "place"),
    [
        ("sqlite:///state/x.db", LedgerAddress(path=Path("state/x.db"))),
        ("sqlite:////srv/x.db", LedgerAddress(path=Path("/srv/x.db"))),
        ("/srv/x.db", LedgerAddress(path=Path("/srv/x.db"))),
        ("postgres://db/x", LedgerAddress(url="postgresql+psycopg://db/x")),
        ("postgresql+psycopg://db/x", LedgerAddress(url="postgresql+psycopg://db/x")),
    ],
)
def test_ledger(tmp_path: Path, ledger: str, place: LedgerAddress) -> None:
    text = f"version: 1\nserver: {{url: embedded}}\nledger: {ledger}\nmirrors: [{MIRROR}]\n"
    found = settings(tmp_path, text).ledger
    expected = tmp_path / place.path if place.path else None
    assert (found.path, found.url) == (expected, place.url)


def test_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/user")
    found = settings(
        tmp_path,
        "version: 1\nserver: {url: embedded, embedded: {data: ~/kb.db}}\n"
        "mirrors: [{name: docs, source: ~/docs, knowledge_base: Docs}]\n",
    )
    assert found.mirrors[0].source == Path("/home/user/docs")
    assert found.servers["default"].data == Path("/home/user/kb.db")


def test_key_from_a_file_and_from_a_named_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{SECRET}\r\n")
    found = settings(
        tmp_path,
        "version: 1\n"
        "servers:\n"
        "  file: {url: 'https://x/v1', api_key_file: key}\n"
        "  variable: {url: 'https://x/v1', api_key_env: KEY}\n"
        "mirrors: [{name: docs, source: docs, knowledge_base: D, server: file}]\n",
        KEY=SECRET,
    )
    keys = [server.api_key for server in found.servers.values()]
    assert [key and key.get_secret_value() for key in keys] == [SECRET, SECRET]
    assert found.key_origins["file"] == f"the file {tmp_path / 'key'}"
    assert found.server_of(found.mirrors[0]) is found.servers["file"]


@pytest.mark.parametrize(
    ("written", "environ", "meant"),
    [
        ("'${A}'", {"A": "x"}, "x"),
        ("'${A:-fall} ${A}'", {"A": "x"}, "x x"),
        ("'${A:-fall back}'", {}, "fall back"),
        ("'${A:-}b'", {}, "b"),
        ("'${A:-fall}'", {"A": ""}, "fall"),
        ("'$${A} $$ $A $'", {}, "${A} $ $A $"),
        ("'${A}'", {"A": "${B} $$ {x: 1}"}, "${B} $$ {x: 1}"),
    ],
)
def test_variables(tmp_path: Path, written: str, environ: dict[str, str], meant: str) -> None:
    found = settings(
        tmp_path,
        "version: 1\nserver: {url: embedded}\n"
        f"mirrors: [{{name: docs, source: docs, knowledge_base: {written}}}]\n",
        **environ,
    )
    assert found.mirrors[0].knowledge_base.name == meant


def test_variables_are_typed_by_their_key(tmp_path: Path) -> None:
    more = ", gitignore: '${G}', max_indexing: '${N}', settle: '${S}', max_file_size: '${B}'"
    mirror = embedded(tmp_path, more, G="false", N="7", S="2", B="1kb").mirrors[0]
    assert (mirror.gitignore, mirror.max_indexing) == (False, 7)
    assert (mirror.settle, mirror.max_file_size) == (2.0, 1024)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("0", 0), ("1.5", 1.5), ("500ms", 0.5), ("2m", 120), ("1h", 3600), ("' 30 s '", 30)],
)
def test_durations(tmp_path: Path, written: str, seconds: float) -> None:
    assert embedded(tmp_path, f", settle: {written}").mirrors[0].settle == seconds


@pytest.mark.parametrize(("written", "days"), [("never", 0), ("0", 0), ("2d", 2)])
def test_what_is_done_once_in_a_while_can_be_never(
    tmp_path: Path, written: str, days: float
) -> None:
    assert embedded(tmp_path, f", rehash: {written}").mirrors[0].rehash == days * 86_400


@pytest.mark.parametrize(
    ("written", "size"),
    [("1", 1), ("15MB", 15 << 20), ("1.5 kb", 1536), ("2GiB", 2 << 30), ("10B", 10)],
)
def test_sizes(tmp_path: Path, written: str, size: int) -> None:
    assert embedded(tmp_path, f", max_file_size: {written}").mirrors[0].max_file_size == size


def test_values_are_brought_into_one_form(tmp_path: Path) -> None:
    mirror = embedded(tmp_path, ", prefix: hand/book, extensions: [.MD, txt]").mirrors[0]
    assert (mirror.prefix, mirror.extensions) == ("hand/book/", ("md", "txt"))


def test_anchors_and_merge_keys(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "version: 1\nserver: {url: embedded}\n"
        "mirrors:\n"
        "  - &first {name: one, source: one, knowledge_base: One, prune: false, settle: 5s}\n"
        "  - {<<: *first, name: two, source: two, knowledge_base: Two, settle: 9s}\n",
    )
    assert [mirror.prune for mirror in found.mirrors] == [False, False]
    assert [mirror.settle for mirror in found.mirrors] == [5, 9]


def test_dates_are_text(tmp_path: Path) -> None:
    assert embedded(tmp_path, ", prefix: 2024-01-31").mirrors[0].prefix == "2024-01-31/"


def test_two_mirrors_on_one_base_with_prefixes(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        "version: 1\nserver: {url: embedded}\nmirrors:\n"
        "  - {name: one, source: one, knowledge_base: D, prefix: a}\n"
        "  - {name: two, source: two, knowledge_base: D, prefix: ab}\n",
    )
    assert [mirror.prefix for mirror in found.mirrors] == ["a/", "ab/"]


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(source=TEXT, base=TEXT)
def test_starter_says_what_it_was_given(
    tmp_path_factory: pytest.TempPathFactory, source: str, base: str
) -> None:
    folder = tmp_path_factory.getbasetemp()
    assume(not Path(source).as_posix().startswith("~"))  # that is a user's home folder
    (mirror,) = settings(folder, starter(source=source, knowledge_base=base)).mirrors
    assert mirror.source == folder / source
    assert mirror.knowledge_base.name == base


def test_starter_for_a_server(tmp_path: Path) -> None:
    text = starter(url="https://dify.example/v1", name="handbook")
    found = settings(tmp_path, text, DIFY_API_KEY=SECRET)
    assert found.servers["default"].url == "https://dify.example/v1"
    assert found.mirrors[0].name == "handbook"


KEYS = ["version: 1\n", "server:", "mirrors:\n", "  - ", "name: a", "${X}", "&a ", "*a", "<<: "]
SIGNS = ["[", "]", "{", "}", ": ", "? ", "!!set ", "'", '"', "\t", "\n", "|\n", "1e9", "~"]
PIECES = st.lists(
    st.sampled_from(KEYS) | st.sampled_from(SIGNS) | st.text(max_size=4), max_size=25
).map("".join)


@given(text=PIECES)
def test_whatever_stands_there_ends_in_settings_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        load(path, {})
    except Problem as problem:
        assert pickle.dumps(str(problem))  # noqa: PT017 - either outcome is right
