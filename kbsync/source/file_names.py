"""File names as the disk has them, and as keys.

A key component is the name in NFC. A name that is not UTF-8 has no such form: its key component is
``/`` and the name with its stray bytes as ``\\xNN``. Joined to a path that makes an empty component
(``guides//caf\\xe9.md``), which no real path has, so the two kinds never meet.
"""

from __future__ import annotations

import os
import re
import unicodedata

# K, semicolon and grave accent are what U+212A, U+037E and U+1FEF become in NFC: of all ASCII
# characters only these can have a twin.
_TWINNED = frozenset("K;`")
_COMPONENT = re.compile(r"(?:^|(?<=[^/])/)(/?)([^/]+)")


def component(name: str) -> str:
    """Return the key component of a name as `os.scandir` returns it."""
    if name.isascii():
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        return "/" + _escaped(name)
    return unicodedata.normalize("NFC", name)


def is_component(name: str) -> bool:
    """Whether a name beyond ASCII is its own key component."""
    return unicodedata.is_normalized("NFC", name) and component(name) == name


def _escaped(name: str) -> str:
    return os.fsencode(name).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def is_not_utf8(key: str) -> bool:
    """Whether a key component stands for a name that is not UTF-8."""
    return key.startswith("/")


def has_one_spelling(key: str) -> bool:
    """Whether exactly one name has this key component, so that it can be asked for directly."""
    return key.isascii() and not is_not_utf8(key) and _TWINNED.isdisjoint(key)


def components(path: str) -> list[str] | None:
    """Split a key path into its components; None when no scan could ever yield it."""
    parts = [opening + name for opening, name in _COMPONENT.findall(path)]
    if "/".join(parts) != path or "\0" in path or not {".", ".."}.isdisjoint(parts):
        return None
    try:
        path.encode()
    except UnicodeEncodeError:
        return None
    valid = [part for part in parts if not is_not_utf8(part)]
    return parts if all(unicodedata.is_normalized("NFC", part) for part in valid) else None


def ascii_spelling(name: str) -> str:
    """Return `name` with everything beyond ASCII escaped: composed and decomposed differ in it."""
    return (
        os.fsencode(name)
        .decode("utf-8", "backslashreplace")
        .encode("ascii", "backslashreplace")
        .decode()
    )
