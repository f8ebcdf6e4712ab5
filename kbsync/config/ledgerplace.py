"""Where the ledger is: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import PlainValidator, ValidationInfo

from kbsync.config.section import absolute, wanted

_URL = re.compile(r"(?P<dialect>[A-Za-z][A-Za-z0-9+_.-]*)://(?P<rest>.*)", re.DOTALL)
_POSTGRESQL = {"postgresql", "postgres", "postgresql+psycopg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPlace:
    """Exactly one of a file and a database URL.

    Args:
        path: the SQLite file.
        url: an SQLAlchemy URL for PostgreSQL with psycopg; it may carry a password, so it is
            neither shown nor logged.
    """

    path: Path | None = None
    url: str | None = field(default=None, repr=False)


def parse_place(value: object, info: ValidationInfo) -> LedgerPlace:
    """Return the place a path or an SQLAlchemy URL names."""
    if isinstance(value, LedgerPlace):
        return value
    found = _URL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return LedgerPlace(path=absolute(value, info))
    dialect = found["dialect"].lower()
    if dialect in {"sqlite", "sqlite+pysqlite"}:
        return LedgerPlace(path=_sqlite(found["rest"], info))
    if dialect in _POSTGRESQL and found["rest"].strip("/"):
        return LedgerPlace(url=f"postgresql+psycopg://{found['rest']}")
    raise wanted("a path, a sqlite:/// URL or a postgresql:// URL with a database is wanted")


def _sqlite(rest: str, info: ValidationInfo) -> Path:
    name = rest.removeprefix("/")
    if not rest.startswith("/") or name in {"", ":memory:"} or "?" in name:
        raise wanted("the ledger outlives the process: sqlite:/// and a file without options")
    return absolute(name, info)


Place = Annotated[LedgerPlace, PlainValidator(parse_place, json_schema_input_type=str)]
