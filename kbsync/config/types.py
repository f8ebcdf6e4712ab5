"""What every section of the configuration shares: strictness, and the words values are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Sized
from dataclasses import field
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from kbsync.lazy_dataclass import dataclass

T = TypeVar("T", bound=Sized)

MOST_DIGITS = 15
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.ASCII)
_SIZES = {"": 1, "B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?i?B)?", re.ASCII | re.IGNORECASE)


class Section(BaseModel):
    """A frozen part of the configuration; keys it does not know are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )


def wanted(sentence: str) -> PydanticCustomError:
    """Return the error for a value that is not what `sentence` asks for."""
    return PydanticCustomError("wanted", "{sentence}", {"sentence": sentence})


def not_empty(value: T) -> T:
    """Refuse an empty list or mapping; for use as a validator."""
    if not value:
        raise wanted("at least one is wanted")
    return value


def _whole(value: object) -> object:
    # A truth value is a number to Python, and `max_in_flight: true` is a slip.
    if isinstance(value, bool):
        raise wanted("a whole number is wanted")
    long = isinstance(value, str) and len(value) > MOST_DIGITS
    if long or (isinstance(value, int) and value >= 10**MOST_DIGITS):
        raise wanted("a smaller number is wanted")
    return value


WHOLE = BeforeValidator(_whole)


def lasting(least: float, most: float) -> BeforeValidator:
    """Return the validator of a duration between `least` and `most` seconds.

    Written as a number of seconds or with a unit: ``500ms``, ``30s``, ``15m``, ``1h``, ``1d``.
    """
    bounds = f"a duration from {_spoken(least)} to {_spoken(most)} is wanted, such as 30s or 15m"

    def parse(value: object) -> float:
        seconds = seconds_of(value)
        if seconds is None or not least <= seconds <= most:
            raise wanted(bounds)
        return seconds

    return BeforeValidator(parse, json_schema_input_type=str | float)


def seconds_of(value: object) -> float | None:
    """Return a duration in seconds, None for what is none."""
    if isinstance(value, str):
        if found := _DURATION.fullmatch(value.strip()):
            return float(found[1]) * _UNITS[found[2]]
        value = float(value) if re.fullmatch(r"\d+(\.\d+)?", value.strip(), re.ASCII) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def _spoken(seconds: float) -> str:
    for unit in ("d", "h", "m", "s"):
        if seconds >= _UNITS[unit] and seconds % _UNITS[unit] == 0:
            return f"{seconds / _UNITS[unit]:g}{unit}"
    return f"{seconds:g}s"


def _bytes(value: object) -> int:
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        unit = (found[2] or "").upper().replace("I", "")
        size = math.floor(min(float(found[1]), 1 << 41) * _SIZES[unit])
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    else:
        size = 0
    if not 1 <= size <= 1 << 40:
        raise wanted("a size is wanted, such as 15MB or 800KB")
    return size


Bytes = Annotated[int, BeforeValidator(_bytes, json_schema_input_type=str | int)]


def absolute(text: object, info: ValidationInfo) -> Path:
    """Return the path `text` names: `~` is the home folder, relative to the configuration file.

    The folder of the configuration file comes in the validation context as ``folder``.
    """
    if not isinstance(text, str) or not text or "\0" in text:
        raise wanted("a path is wanted")
    folder = (info.context or {}).get("folder", Path.cwd())
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise wanted("a path is wanted; the home folder it starts from is unknown") from None
    return Path(folder) / path


FilePath = Annotated[Path, BeforeValidator(absolute, json_schema_input_type=str)]


def _name(value: object) -> object:
    if not isinstance(value, str):
        raise wanted("text is wanted; put it in quotes")
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", value):
        raise wanted(
            "a name is wanted: 1 to 64 of a-z, 0-9, dot, dash and underscore, the first "
            "a letter or digit"
        )
    return value


Name = Annotated[str, BeforeValidator(_name, json_schema_input_type=str)]


# -- Where the ledger is


_URL = re.compile(r"(?P<dialect>[A-Za-z][A-Za-z0-9+_.-]*)://(?P<rest>.*)", re.DOTALL)
_POSTGRESQL = {"postgresql", "postgres", "postgresql+psycopg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAddress:
    """Exactly one of a file and a database URL.

    Args:
        path: the SQLite file.
        url: an SQLAlchemy URL for PostgreSQL with psycopg; it may carry a password, so it is
            neither shown nor logged.
    """

    path: Path | None = None
    url: str | None = field(default=None, repr=False)


def parse_ledger(value: object, info: ValidationInfo) -> LedgerAddress:
    """Return the ledger a path or an SQLAlchemy URL names."""
    if isinstance(value, LedgerAddress):
        return value
    found = _URL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return LedgerAddress(path=absolute(value, info))
    dialect = found["dialect"].lower()
    if dialect in {"sqlite", "sqlite+pysqlite"}:
        return LedgerAddress(path=_sqlite(found["rest"], info))
    if dialect in _POSTGRESQL and found["rest"].strip("/"):
        return LedgerAddress(url=f"postgresql+psycopg://{found['rest']}")
    raise wanted("a path, a sqlite:/// URL or a postgresql:// URL with a database is wanted")


def _sqlite(rest: str, info: ValidationInfo) -> Path:
    name = rest.removeprefix("/")
    if not rest.startswith("/") or name in {"", ":memory:"} or "?" in name:
        raise wanted("the ledger outlives the process: sqlite:/// and a file without options")
    return absolute(name, info)


LedgerField = Annotated[LedgerAddress, PlainValidator(parse_ledger, json_schema_input_type=str)]
