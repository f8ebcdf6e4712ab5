"""What was probably meant by a value that a key does not take."""

from __future__ import annotations

import difflib
import json
import re

_CHOICE = re.compile(r'"([^"]*)"')
_DURATION = re.compile(r"(\d+) ?(s|m|h|d)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?|r?s?|ays?)?")
_SIZE = re.compile(r"(\d+) ?(k|m|g)(?:i?b|(?:ilo|ega|iga)bytes?)?")
_NO_NAME = re.compile(r"[^a-z0-9._-]+")


def probably_meant(wanted: str, found: str) -> str | None:
    """Return what to write for `found`, as it stands in the file; None where that is not plain.

    Args:
        wanted: what the key takes, in words.
        found: the text that stands there.
    """
    text = found.strip().lower()
    if wanted.startswith("a duration"):
        amount = _DURATION.fullmatch(text)
        return f"{amount[1]}{amount[2]}" if amount else None
    if wanted.startswith("a size"):
        amount = _SIZE.fullmatch(text)
        return f"{amount[1]}{amount[2].upper()}B" if amount else None
    if wanted.startswith("a name"):
        return _NO_NAME.sub("-", text).strip("-._") or None
    if wanted == "a list is wanted":
        return f"[{json.dumps(found, ensure_ascii=False)}]"
    return _nearest(text, _CHOICE.findall(wanted))


def _nearest(text: str, choices: list[str]) -> str | None:
    near = difflib.get_close_matches(re.sub(r"[-\s]", "_", text), choices, n=1)
    return near[0] if near else None
