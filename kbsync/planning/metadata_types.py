"""Texts as metadata values: a time in seconds since the epoch, or text that servers store."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from kbsync.model import Typed

LONGEST_TEXT = 20_000
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:[Zz]|[+-]\d\d:?\d\d)?)?"
)


def time_of(text: str) -> Typed | None:
    """Return an ISO date or time in seconds since the epoch; one without a zone is UTC."""
    text = text.strip()
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r"\s+(?=[Zz+-])", "", text).upper())
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        return None
    return Typed("time", int(moment.timestamp()))


def text_of(text: str) -> Typed | None:
    """Return a text as a value, None for an empty one.

    Raises:
        ValueError: no server stores it: too long, a NUL, or half a surrogate pair.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"text of at most {LONGEST_TEXT} characters is wanted")
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("text without NUL characters is wanted")
    return Typed("string", text) if text.strip() else None
