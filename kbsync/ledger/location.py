"""Where a ledger lives: a file (SQLite) or a schema of a PostgreSQL database."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from kbsync.config.extra_packages import installing
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Problem
from kbsync.messages import ledger as messages

_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLocation:
    """A ledger's address.

    Args:
        url: the SQLAlchemy URL, without the `schema` parameter.
        path: the file, absolute and with links resolved; None for PostgreSQL.
        schema: the schema of the PostgreSQL database; empty for SQLite.
        shown: how messages name it: without a password.
    """

    url: URL
    shown: str
    path: Path | None = None
    schema: str = ""

    @property
    def folder(self) -> str:
        """The folder of the file, for messages."""
        return str(self.path.parent) if self.path else self.shown


def default_path() -> Path:
    """Return the ledger's path when none is configured: in the platform's state directory."""
    from platformdirs import user_state_path  # noqa: PLC0415

    return user_state_path("kbsync") / "ledger.db"


def find_location(address: str | os.PathLike[str]) -> LedgerLocation:
    """Read a path or an SQLAlchemy URL; nothing is opened or made.

    Args:
        address: a path (relative to the working directory), ``sqlite:///path`` or
            ``postgresql://user@host/database``, there with an optional ``?schema=name``
            (default ``kbsync``).

    Raises:
        Problem: KB-L001, KB-L002, KB-L003 or KB-L009.
    """
    text = os.fspath(address)
    if "://" in text or text.startswith("sqlite:"):
        return _by_url(text)
    if text in {"", ":memory:"}:
        raise Problem(messages.IN_MEMORY(place=text or '""'))
    return _by_path(Path(text))


def _by_path(path: Path) -> LedgerLocation:
    # Links resolved: two names of one file must lead to one lock.
    resolved = Path(os.path.realpath(path))
    url = URL.create("sqlite+pysqlite", database=str(resolved))
    return LedgerLocation(url=url, shown=str(resolved), path=resolved)


def _by_url(text: str) -> LedgerLocation:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise Problem(
            messages.BAD_URL(place=_without_password(text), why="it is no SQLAlchemy URL")
        ) from None
    shown = url.render_as_string(hide_password=True)
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(url, shown)
        case "postgresql":
            return _postgresql(url, shown)
    raise Problem(messages.WRONG_KIND(place=shown))


def _without_password(text: str) -> str:
    return re.sub(r"//[^@/]*@", "//***@", text)


def _sqlite(url: URL, shown: str) -> LedgerLocation:
    database = url.database or ""
    if database in {"", ":memory:", "file::memory:"} or url.query.get("mode") == "memory":
        raise Problem(messages.IN_MEMORY(place=shown))
    if url.drivername not in {"sqlite", "sqlite+pysqlite"} or url.host:
        raise Problem(messages.WRONG_KIND(place=shown))
    if url.query or database.startswith("file:"):
        raise Problem(messages.BAD_URL(place=shown, why="a ledger's file takes no parameters"))
    return _by_path(Path(database))


def _postgresql(url: URL, shown: str) -> LedgerLocation:
    if url.drivername not in {"postgresql", "postgresql+psycopg"}:
        raise Problem(messages.WRONG_KIND(place=shown))
    if find_spec("psycopg") is None:
        raise Problem(messages.NO_DRIVER(**installing("postgresql")))
    schema = url.query.get("schema", "kbsync")
    if not isinstance(schema, str) or not _SCHEMA.fullmatch(schema):
        why = "a schema's name is made of small letters, digits and _"
        raise Problem(messages.BAD_URL(place=shown, why=why))
    bare = url.set(drivername="postgresql+psycopg").difference_update_query(["schema"])
    return LedgerLocation(url=bare, shown=shown, schema=schema)
