"""The messages of the ledger: their codes, their next steps, and which error becomes which."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from kbsync.ledger import database_errors
from kbsync.ledger.location import find_location
from kbsync.messages import Message, Problem, catalogue, ledger


def messages() -> list[Message]:
    found = [value for value in vars(ledger).values() if isinstance(value, Message)]
    return sorted(found, key=lambda message: message.code)


def test_codes_are_the_rooms_own() -> None:
    assert all(re.fullmatch(r"KB-L\d{3}", message.code) for message in messages())
    assert {message.code for message in messages()} <= catalogue().keys()
    assert len({message.code for message in messages()}) == len(messages())


@pytest.mark.parametrize("message", messages(), ids=lambda message: message.code)
def test_every_message_names_the_next_step(message: Message) -> None:
    assert message.advice


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SQLITE_FULL", "KB-L040"),
        ("SQLITE_IOERR_WRITE", "KB-L041"),
        ("SQLITE_BUSY_SNAPSHOT", "KB-L042"),
        ("SQLITE_NOTADB", "KB-L023"),
        ("SQLITE_CORRUPT_INDEX", "KB-L024"),
        ("SQLITE_READONLY_DIRECTORY", "KB-L007"),
        ("SQLITE_CANTOPEN", "KB-L007"),
        ("SQLITE_TOOBIG", "KB-L046"),
        ("", "KB-L046"),
    ],
)
def test_errors_of_sqlite(name: str, code: str, tmp_path: Path) -> None:
    error = sqlite3.OperationalError("something")
    error.sqlite_errorname = name
    assert database_errors.notice(error, find_location(tmp_path / "l.db")).code == code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("DiskFull", "KB-L040"),
        ("IoError", "KB-L041"),
        ("AdminShutdown", "KB-L043"),
        ("ConnectionFailure", "KB-L043"),
        ("OperationalError", "KB-L043"),
        ("ConnectionTimeout", "KB-L043"),
        ("ReadOnlySqlTransaction", "KB-L047"),
        ("SyntaxError", "KB-L046"),
    ],
)
def test_errors_of_postgresql(name: str, code: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    kind = getattr(psycopg, name, None) or getattr(psycopg.errors, name)
    place = find_location("postgresql://me:hush@host/db")
    found = database_errors.notice(kind("it said so\nand more"), place)
    assert found.code == code
    assert "hush" not in f"{found} {found.next}"


def test_errors_of_a_pool_of_postgresql() -> None:
    pool = pytest.importorskip("psycopg_pool")
    place = find_location("postgresql://me@host/db")
    with pytest.raises(Problem) as caught, database_errors.errors_as_problems(place):
        raise pool.PoolTimeout("couldn't get a connection after 10.00 sec")
    assert caught.value.notice.code == "KB-L043"


def test_other_errors_pass(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        database_errors.errors_as_problems(find_location(tmp_path / "l.db")),
    ):
        raise KeyError("a bug")
