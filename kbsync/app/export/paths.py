"""Document names → paths in a folder: whatever a name is, its file lies inside. Pure.

A name that kbsync made is the path it was made of. Any other name may be hostile, or be none of a
file; what no folder should hold becomes ``_``.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import count, islice

from kbsync.model.file_types import FILE_TYPES
from kbsync.planning.document_names import (
    STEERING,
    document_names,
    folded,
    kept_extension,
    path_of,
)

SIDECAR = ".kbsync.yaml"
CHUNKS = ".kbsync.chunks.jsonl"
# Most disks take names of 255 bytes: what stands beside a file has to have room, and a number.
LONGEST_NAME = 255 - len(CHUNKS) - len(" (999999)")
LONGEST_PATH = 1024
# Types that stay what they are when they hold nothing but text.
TEXTS = frozenset(each.extension for each in FILE_TYPES.values() if each.text) - {"csv"}

_REFUSED = re.compile(r'[\\:*?"<>|]')
_HIDDEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
_EXTENSION = re.compile(r"[a-z0-9]{1,16}")
_OF_OURS = re.compile(r"\.(kbsync\.(?:yaml|chunks\.jsonl))$", re.IGNORECASE)
# A document is called by one of the first of its path's names (docs/design.md, Taken names).
_NAMES_OF_A_PATH = 9


def path_for(name: str, *, extension: str | None, marked: str | None = None) -> str:
    """Return the path of a document's file: relative, POSIX, safe to make below any folder.

    Args:
        name: the document's, as the server says it.
        extension: of the file it was made of; ``txt`` where its content is text alone, None where
            it is not known.
        marked: the path that its mark names.
    """
    ending = extension.lower() if extension else ""
    known = _known_path(name, marked)
    parts = _parts(name) if known is None else known.split("/")
    parts = [part for part in map(_shown, parts) if part] or ["document"]
    last = _typed(parts.pop(), ending if _EXTENSION.fullmatch(ending) else "")
    path = "/".join([*map(_shortened, parts), _shortened(last)])
    return path if len(path.encode()) <= LONGEST_PATH else _shortened(f"{_hash(path)[:16]} {last}")


def _known_path(name: str, marked: str | None) -> str | None:
    """Return the path a name of ours was made of; a cut name tells it by its mark alone."""
    try:
        path = path_of(name)
        if path is None and marked and name in islice(document_names(marked), _NAMES_OF_A_PATH):
            return marked
    except ValueError:  # the mark's path is no text
        return None
    return path


def _parts(name: str) -> list[str]:
    """Return a name of other origin as a path: what no other disk takes is left out of it."""
    return [part.strip() for part in _REFUSED.sub("_", name).split("/")]


def _shown(part: str) -> str:
    """Return one name of a path without what steers, hides, leads elsewhere, or is ours."""
    plain = "".join("_" if _hides(ch) else ch for ch in unicodedata.normalize("NFC", part))
    visible = re.sub(r"^\.+", lambda dots: "_" * len(dots[0]), plain)
    return _OF_OURS.sub(r"_\1", visible)


def _hides(ch: str) -> bool:
    return ch in STEERING or unicodedata.category(ch) in _HIDDEN


def _typed(name: str, extension: str) -> str:
    """Return `name` with an ending that says what the file holds."""
    own = kept_extension(name)
    if extension == "txt":
        return name if own in TEXTS else f"{name}.txt"
    fits = own == extension if extension else own in FILE_TYPES
    return name if fits else f"{name}.{extension or 'txt'}"


def _shortened(name: str) -> str:
    """Return `name`, or its beginning, a hash of all of it, and its extension."""
    if len(name.encode()) <= LONGEST_NAME:
        return name
    stem, tail = _split(name)
    tail = f"~{_hash(name)[:16]}{tail}"
    head = stem.encode()[: LONGEST_NAME - len(tail.encode())].decode("utf-8", "ignore")
    return head + tail


def _split(name: str) -> tuple[str, str]:
    ending = len(kept_extension(name))
    return (name[: -ending - 1], name[-ending - 1 :]) if ending else (name, "")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Places:
    """The paths that are taken; two that a disk without case would confuse are never both given."""

    def __init__(self) -> None:
        self._files = set[str]()
        self._folders = set[str]()

    def take(self, path: str) -> bool:
        """Take `path` for a file; False when it is taken already, or lies below a file."""
        own = folded(path)
        above = list(_above(own))
        if own in self._files or own in self._folders or not self._files.isdisjoint(above):
            return False
        self._files.add(own)
        self._folders.update(above)
        return True

    def placed(self, path: str) -> str:
        """Take the first free one of ``a/b.md``, ``a/b (2).md``, … and return it."""
        return next(each for each in _numbered(path) if self.take(each))


def _above(path: str) -> Iterator[str]:
    for position, ch in enumerate(path):
        if ch == "/":
            yield path[:position]


def _numbered(path: str) -> Iterator[str]:
    yield path
    folder, slash, name = path.rpartition("/")
    stem, tail = _split(name)
    # Where one of the folders is a file already, nothing in it can be taken.
    flat = _shortened(f"{folder.replace('/', '_')}_{name}") if folder else name
    for number in count(2):
        yield f"{folder}{slash}{stem} ({number}){tail}"
        flat_stem, flat_tail = _split(flat)
        yield f"{flat_stem} ({number}){flat_tail}"
