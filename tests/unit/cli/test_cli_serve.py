"""serve before it serves: the key, the quirks, the address."""

import subprocess
import sys
from pathlib import Path

import pytest

from kbsync.cli import obey as run
from kbsync.embedded import NEWEST, PROFILES, QUIRKS
from kbsync.messages import command as say


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("KBSYNC_SERVE_KEY", raising=False)


def test_the_quirks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--list-quirks"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.partition("\t")[0] for line in listed] == list(QUIRKS)


def test_the_versions_are_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--help"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    *others, newest = PROFILES
    assert f"{', '.join(others).replace('page,', 'page (the oldest calls alone),')} or" in printed
    assert f"[default: {newest}]" in printed
    assert newest == NEWEST


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), say.KEY_NOT_GIVEN.code),
        (("--api-key", ""), say.BAD_KEY.code),
        (("--api-key", "ünfit"), say.BAD_KEY.code),
        (("--api-key", "k", "--api-key-file", "key"), say.KEY_TWICE.code),
        (("--api-key-file", "empty"), say.BAD_KEY.code),
        (("--api-key-file", "binary"), say.CANNOT_READ.code),
        (("--api-key-file", "key", "--host", "0.0.0.0"), say.NOT_LOOPBACK.code),
        (("--api-key-file", "key", "--host", "192.0.2.1", "--port", "0"), say.NOT_LOOPBACK.code),
        (("--api-key", "k", "--quirk", "no-such"), "no-such"),
        (("--api-key", "k", "--dify", "2.0"), "2.0"),
        (("--api-key", "k", "--quirk", "cloud-throttle=many"), "cloud-throttle"),
    ],
)
def test_what_keeps_it_from_starting(
    words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("key").write_text("dataset-in-a-file\n")
    Path("empty").write_text("\n")
    Path("binary").write_bytes(b"\xff\xfe\x00")
    assert run(["serve", *words]) in (1, 64)
    err = capsys.readouterr().err
    assert code in err
    assert "dataset-in-a-file" not in err
    assert not Path("knowledge.db").exists()


WITHOUT_THE_EXTRA = """
import sys
from importlib.machinery import PathFinder
class Poor(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        hidden = name in ("starlette", "uvicorn", "docx", "openpyxl", "pypdf")
        return None if hidden else PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Poor
from kbsync.cli import obey as run
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize("words", [("serve", "--api-key", "k"), ("demo",)])
def test_without_the_extra(words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 64, done.stderr
    assert say.EMBEDDED_EXTRA.code in done.stderr
    # The packages themselves: the name of kbsync may be another project's one day.
    assert f"{sys.executable} -m pip install " in done.stderr
    assert "'starlette<2,>=0.40'" in done.stderr
    assert "kbsync[" not in done.stderr
