"""Pairs of foreign documents and new files, for adoption. Pure.

A pair is made only where each side has exactly one candidate; what is ambiguous is left as it is,
with the reason.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.messages import adoption as say
from kbsync.model import DocKey, Readiness, RemoteDocument, Stat
from kbsync.planning.document_names import path_of
from kbsync.planning.marks import mark_of

K = TypeVar("K")
V = TypeVar("V")

NAMED = 5


class By(StrEnum):
    """What a file and its document have in common."""

    NAME = "name"
    BASENAME = "basename"
    MAP = "map"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A present file without an entry.

    Args:
        name: what its document would be called.
        pending: a call for it has no known outcome yet.
    """

    key: DocKey
    name: str
    stat: Stat
    pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A file and the document that becomes its own."""

    file: NewFile
    document: RemoteDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpaired:
    """What cannot be paired. `name`: a path, or what several have in common."""

    name: str
    why: Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The pairs, and what was left, both by path."""

    pairs: tuple[Pair, ...]
    left: tuple[Unpaired, ...]


def pair(files: Iterable[NewFile], documents: Iterable[RemoteDocument], by: By) -> Pairing:
    """Pair by our name, or by what stands behind the last slash on both sides.

    Args:
        files: those without an entry.
        documents: those no entry holds.
        by: `By.NAME` or `By.BASENAME`.
    """
    named = _grouped((_file_name(file, by), file) for file in files)
    bearing = _grouped((_document_name(document, by), document) for document in documents)
    return _pairing(_judged(name, named[name], bearing[name]) for name in named if name in bearing)


def pair_mapped(
    files: Iterable[NewFile],
    documents: Iterable[RemoteDocument],
    wanted: Sequence[tuple[str, str]],
) -> Pairing:
    """Pair what a map names.

    Args:
        files: those without an entry.
        documents: those no entry holds.
        wanted: path and document id, in the map's order.
    """
    # A line that is repeated says nothing new; two different lines contradict each other.
    by_path = {file.key.path: file for file in files}
    by_id = {document.id: document for document in documents}
    paths = _grouped((document, path) for path, document in dict.fromkeys(wanted))
    ids = _grouped(dict.fromkeys(wanted))
    return _pairing(_wanted(path, ids[path], paths, by_path, by_id) for path in ids)


def _wanted(
    path: str,
    ids: Sequence[str],
    paths: Mapping[str, Sequence[str]],
    by_path: Mapping[str, NewFile],
    by_id: Mapping[str, RemoteDocument],
) -> Pair | Unpaired:
    file, document = by_path.get(path), by_id.get(ids[0])
    if len(ids) > 1:
        return Unpaired(name=path, why=say.PATH_TWICE(path=path, documents=_some(ids)))
    if len(paths[ids[0]]) > 1:
        why = say.DOCUMENT_TWICE(document=ids[0], paths=_some(paths[ids[0]]))
        return Unpaired(name=path, why=why)
    if file is None:
        return Unpaired(name=path, why=say.NO_SUCH_FILE(path=path))
    if document is None:
        return Unpaired(name=path, why=say.NO_SUCH_DOCUMENT(document=ids[0]))
    return _judged(path, [file], [document])


def _judged(
    name: str, files: Sequence[NewFile], documents: Sequence[RemoteDocument]
) -> Pair | Unpaired:
    """Return the pair of both sides of `name`, or why there is none."""
    unmarked = [each for each in documents if mark_of(each) is None]
    if not unmarked:
        return Unpaired(name=name, why=_marked(documents[0]))
    words = {"name": name, "mirror": files[0].key.mirror}
    if len(unmarked) > 1:
        ids = _some([each.id for each in unmarked])
        return Unpaired(name=name, why=say.SEVERAL_DOCUMENTS(documents=ids, **words))
    if len(files) > 1:
        paths = _some([each.key.path for each in files])
        return Unpaired(name=name, why=say.SEVERAL_FILES(paths=paths, **words))
    [file], [document] = files, unmarked
    # Its own upload may appear any moment, and would be a second document.
    if file.pending:
        return Unpaired(name=name, why=say.PENDING(path=file.key.path))
    # One that is disabled or archived was put away on purpose.
    if document.readiness not in (Readiness.AVAILABLE, Readiness.ERROR):
        why = say.NOT_AVAILABLE(document=document.id, readiness=document.readiness.value)
        return Unpaired(name=name, why=why)
    return Pair(file=file, document=document)


def _marked(document: RemoteDocument) -> Notice:
    mark = mark_of(document)
    assert mark is not None  # noqa: S101 - the caller looked
    return say.MARKED(document=document.id, path=mark.path, mirror=mark.mirror)


def _file_name(file: NewFile, by: By) -> str:
    return file.name if by is By.NAME else file.key.path.rpartition("/")[2]


def _document_name(document: RemoteDocument, by: By) -> str:
    """Return the name that a document is compared by; an encoded name is decoded first."""
    if by is By.NAME:
        return document.name
    path = path_of(document.name) or document.name.replace("\u2215", "/")
    return unicodedata.normalize("NFC", path).rpartition("/")[2]


def _grouped(pairs: Iterable[tuple[K, V]]) -> Mapping[K, list[V]]:
    groups: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _pairing(verdicts: Iterable[Pair | Unpaired]) -> Pairing:
    pairs: list[Pair] = []
    left: list[Unpaired] = []
    for verdict in verdicts:
        if isinstance(verdict, Pair):
            pairs.append(verdict)
        else:
            left.append(verdict)
    return Pairing(
        pairs=tuple(sorted(pairs, key=lambda each: each.file.key)),
        left=tuple(sorted(left, key=lambda each: each.name)),
    )
