"""A map file: which document belongs to which path, as CSV or YAML."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import yaml

from kbsync.messages import Problem
from kbsync.messages import adoption as say

LARGEST = 64 * 1024 * 1024
_YAML = frozenset({".yaml", ".yml", ".json"})
_HEADER = ("path", "document")

Pair = tuple[str, str]


class _Malformed(Exception):  # noqa: N818 - becomes a problem here
    def __init__(self, line: int, why: str) -> None:
        self.line = line
        self.why = why
        super().__init__(why)


def read_pairs(file: Path) -> list[Pair]:
    """Return path and document id of every line of a map, in its order; doubled ones too.

    Args:
        file: ``path,document_id`` a line, with or without that heading; or, when its name ends in
            .yaml, .yml or .json, one mapping of paths to ids.

    Raises:
        Problem: KB-A022 when it cannot be read, KB-A023 when a line is none of a map.
    """
    text = _text(file)
    read = _of_yaml if file.suffix.lower() in _YAML else _of_csv
    try:
        pairs = [(_path(path), document) for path, document in read(text)]
        if not pairs:
            raise _Malformed(1, "there is nothing in it")
    except _Malformed as error:
        raise Problem(say.MAP_MALFORMED(file=file, line=error.line, why=error.why)) from None
    return pairs


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "its name cannot be a file's"
        raise Problem(say.MAP_UNREADABLE(file=file, why=why)) from error
    if len(raw) > LARGEST:
        raise Problem(say.MAP_UNREADABLE(file=file, why=f"it is larger than {LARGEST} bytes"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Problem(say.MAP_MALFORMED(file=file, line=line, why="it is not UTF-8")) from error


def _of_csv(text: str) -> Iterator[Pair]:
    reader = csv.reader(text.splitlines(), strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            if not cells or (reader.line_num == 1 and _is_heading(cells)):
                continue
            if len(cells) != 2 or not all(map(str.strip, cells)):
                raise _Malformed(reader.line_num, "a path and a document id are wanted")
            yield cells[0], cells[1].strip()
    except csv.Error as error:
        raise _Malformed(reader.line_num, str(error)) from error


def _is_heading(cells: list[str]) -> bool:
    return tuple(cell.strip().lower().removesuffix("_id") for cell in cells) == _HEADER


def _of_yaml(text: str) -> Iterator[Pair]:
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _Malformed(line, error.problem or "it is not YAML") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise _Malformed(1, "it is not YAML") from error
    if root is None:
        return
    if not isinstance(root, yaml.MappingNode):
        raise _Malformed(root.start_mark.line + 1, "a mapping of paths to document ids is wanted")
    # By its nodes, not as a dict: there a path named twice would lose one of its documents.
    for path, document in root.value:
        if not (isinstance(path, yaml.ScalarNode) and isinstance(document, yaml.ScalarNode)):
            raise _Malformed(path.start_mark.line + 1, "a path and a document id are wanted")
        if not (path.value and document.value):
            raise _Malformed(path.start_mark.line + 1, "a path and a document id are wanted")
        yield path.value, document.value


def _path(text: str) -> str:
    return unicodedata.normalize("NFC", PurePosixPath(text).as_posix())
