"""Records of JSON, one a line (jsonl), each a chunk of its own: `name: value` lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from kbsync.source.convert.rows import chunked, line_of

LONGEST_LINE = 1 << 20
"""Characters: a longer one is no record that fits into a chunk."""


class NoRecordError(ValueError):
    """A line that is no JSON object, with its number."""


def texts(lines: Iterable[str], longest: int) -> Iterator[str]:
    """Yield each record as text, with its separator behind it.

    Args:
        lines: of the file.
        longest: characters of a chunk at most; a longer record becomes several.

    Raises:
        NoRecordError: a line is no JSON object.
    """
    for number, line in enumerate(lines, 1):
        if line.strip():
            cells = [
                line_of(" ".join(name.split()), _text(value))
                for name, value in _record(line, number).items()
                if value not in (None, "")
            ]
            yield from chunked("", cells, longest)


def _record(line: str, number: int) -> dict[str, object]:
    try:
        found = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NoRecordError(f"line {number} is no JSON object")
    return found


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
