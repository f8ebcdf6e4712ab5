"""Where a ledger may live, and what is said where it may not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unprivileged import unprivileged

from kbsync.ledger.location import default_path, find_location
from kbsync.ledger.sqlite_file import make_file, require_file
from kbsync.messages import Problem


def code_of(address: str | Path) -> str:
    with pytest.raises(Problem) as caught:
        make_file(find_location(address))
    assert caught.value.notice.next
    return caught.value.notice.code


@pytest.mark.parametrize(
    "address",
    [
        "",
        ":memory:",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:x?mode=memory&uri=true",
    ],
)
def test_memory_is_no_place(address: str) -> None:
    assert code_of(address) == "KB-L001"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("mysql://host/db", "KB-L002"),
        ("sqlite+aiosqlite:///x.db", "KB-L002"),
        ("sqlite://host/x.db", "KB-L002"),
        ("postgresql+asyncpg://host/db", "KB-L002"),
        ("://", "KB-L003"),
        ("sqlite:///x.db?timeout=1", "KB-L003"),
        ("sqlite:///file:x.db", "KB-L003"),
        ("postgresql://host:port/db", "KB-L003"),
        ("postgresql://host/db?schema=Drop Table", "KB-L003"),
        ("postgresql://host/db?schema=a&schema=b", "KB-L003"),
    ],
)
def test_what_cannot_be_used_is_refused(address: str, code: str) -> None:
    assert code_of(address) == code


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:hush@host:port/db",
        "mysql://user:hush@host/db",
        "postgresql://user:hush@host/db?schema=X",
    ],
)
def test_a_password_is_never_told(address: str) -> None:
    with pytest.raises(Problem) as caught:
        find_location(address)
    assert "hush" not in str(caught.value)


def test_a_path_is_made_absolute_and_links_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for address in ("link/l.db", "sqlite:///link/l.db", Path("link/l.db")):
        assert find_location(address).path == tmp_path / "real" / "l.db"


def test_a_hostile_name_is_a_name(tmp_path: Path) -> None:
    place = find_location(tmp_path / "a?mode=memory&%41#'b")
    make_file(place)
    assert [each.name for each in tmp_path.iterdir()] == ["a?mode=memory&%41#'b"]


def test_postgresql_goes_by_psycopg_and_a_schema() -> None:
    place = find_location("postgresql://me:hush@host/db?schema=team_1&application_name=x")
    assert place.url.drivername == "postgresql+psycopg"
    assert place.url.query == {"application_name": "x"}
    assert (place.schema, place.path) == ("team_1", None)
    assert place.shown == "postgresql://me:***@host/db?application_name=x&schema=team_1"
    assert find_location("postgresql://host/db").schema == "kbsync"


def test_folders_and_special_files_are_refused(tmp_path: Path) -> None:
    assert code_of(tmp_path) == "KB-L004"
    os.mkfifo(tmp_path / "pipe")
    assert code_of(tmp_path / "pipe") == "KB-L005"
    (tmp_path / "file").touch()
    assert code_of(tmp_path / "file" / "ledger.db") == "KB-L006"


def test_where_no_folder_can_be_made() -> None:
    assert code_of("/proc/kbsync/ledger.db") == "KB-L006"


def test_where_nothing_can_be_written() -> None:
    assert code_of("/proc/self/ledger.db") == "KB-L007"


def test_a_folder_that_takes_no_files(unprivileged_folder: Path) -> None:
    with unprivileged():
        (unprivileged_folder / "ledger.db").touch()
        unprivileged_folder.chmod(0o500)
        assert code_of(unprivileged_folder / "ledger.db") == "KB-L007"


def test_only_new_folders_are_closed_to_others(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_file(find_location(tmp_path / "a" / "b" / "l.db"))
    modes = [each.stat().st_mode & 0o777 for each in (tmp_path, tmp_path / "a", tmp_path / "a/b")]
    assert modes == [0o755, 0o700, 0o700]
    assert (tmp_path / "a/b/l.db").stat().st_mode & 0o777 == 0o600


def test_a_reader_makes_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "l.db", tmp_path / "a" / "l.db"):
        with pytest.raises(Problem, match="KB-L020"):
            require_file(find_location(path))
    with pytest.raises(Problem, match="KB-L004"):
        require_file(find_location(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_the_platform_has_a_place() -> None:
    assert default_path().name == "ledger.db"
    assert default_path().is_absolute()
