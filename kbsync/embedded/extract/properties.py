"""Java properties: `key=value` lines with their escapes resolved."""

from __future__ import annotations

import io

import javaproperties

from .plain import decode


def read(content: bytes) -> list[str]:
    """The pairs of the file in their order; a file that is no properties file stays as it is."""
    text = decode(content)
    try:
        pairs = [
            line
            for line in javaproperties.parse(io.StringIO(text))
            if isinstance(line, javaproperties.KeyValue)
        ]
    except javaproperties.InvalidUEscapeError:
        return [text]
    return ["\n".join(f"{pair.key}={pair.value}" if pair.value else pair.key for pair in pairs)]
