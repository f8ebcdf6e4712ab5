"""What is fuzzed: each parser, what it may raise (nothing), and what has to hold of its result."""

from __future__ import annotations

import atexit
import math
import shutil
import tempfile
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kbsync.app.plan_file import read as read_plan
from kbsync.config import load
from kbsync.config.adopt_map import read_pairs
from kbsync.dify import errors, schemas, to_model
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.reading import Malformed
from kbsync.dify.reading import read as read_body
from kbsync.dify.request import ApiReply, Subject, read, write
from kbsync.dify.way import way_to
from kbsync.messages import Notice, Problem
from kbsync.planning.document_names import LONGEST, document_name, document_names, folded, path_of
from kbsync.planning.saved_plan import differences
from kbsync.source.file_names import component, components
from kbsync.source.gitignore import compiled

ENVIRONMENT = {"KEY": "dataset-1", "EMPTY": "", "YAML": "{a: [*b, &c d]}", "NAME": "docs"}
PLACE = Path(tempfile.mkdtemp(prefix="kbsync-fuzz-"))
atexit.register(shutil.rmtree, PLACE, ignore_errors=True)
# What a database stores as a whole number.
MOST = 2**63
WAY = way_to(Access(url="http://h/v1", key=ApiKey("k"), environment=False), network=False)


@dataclass(frozen=True)
class Target:
    """A parser to fuzz.

    Args:
        feed: reads some bytes; anything it raises is a finding.
        seeds: bytes to begin with.
        words: pieces that a sound input is made of.
        rooms: the modules whose lines count as covered.
    """

    name: str
    feed: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...]
    rooms: tuple[str, ...]


def _written(data: bytes, name: str) -> Path:
    file = PLACE / name
    file.write_bytes(data)
    return file


def _steering(text: str) -> list[str]:
    """Return what steers a terminal, reorders a line or ends one."""
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [ch for ch in text if unicodedata.category(ch) in hidden]


def _printable(problem: Problem) -> None:
    for notice in problem.notices:
        assert not _steering(str(notice)), notice
        assert notice.next, notice


def _refused(problem: Problem) -> None:
    assert problem.exit == 64


# -- configuration -------------------------------------------------------------------------------


def configuration(data: bytes) -> None:
    """Any file is settings or a problem that can be printed."""
    file = _written(data, "kbsync.yaml")
    try:
        settings = load(file, ENVIRONMENT)
    except Problem as problem:
        _printable(problem)
        _refused(problem)
    else:
        assert settings.mirrors
        assert "dataset-1" not in repr(settings)


def pairs(data: bytes) -> None:
    """Any map file is pairs of text or a problem."""
    for name in ("map.csv", "map.yaml"):
        try:
            found = read_pairs(_written(data, name))
        except Problem as problem:
            _printable(problem)
        else:
            assert all(path and document for path, document in found)


# -- names ---------------------------------------------------------------------------------------


def names(data: bytes) -> None:
    """Names are reversible or cut, never too long, and never another path's."""
    _from_path(data.decode("utf-8", "surrogateescape").replace("\0", "/"))
    _from_name(data.decode("utf-8", "replace"))


def _from_path(path: str) -> None:
    for part in path.split("/"):
        assert "/" not in component(part)[1:] if part else True
    components(path)
    try:
        name = document_name(path)
    except ValueError:
        assert not path or any("\ud800" <= ch <= "\udfff" for ch in path)
        return
    whole = unicodedata.normalize("NFC", path)
    assert len(name) <= LONGEST
    assert name == unicodedata.normalize("NFC", name)
    assert not set(name) & set('/\\:*?"<>|\n\r\t\0\x7f')
    assert path_of(name) == whole or "%~" in name
    further = document_names(path)
    three = [next(further) for _ in range(3)]
    assert three[0] == name
    assert len(set(three)) == 3
    assert not any(path_of(other) for other in three[1:])
    folded(name)


def _from_name(name: str) -> None:
    path = path_of(name)
    assert path is None or document_name(path) == name
    inside = path_of(name, prefix="a/b")
    assert inside is None or document_name(inside, prefix="a/b") == name


# -- wire ----------------------------------------------------------------------------------------

SHAPES: tuple[type[schemas.ApiObject], ...] = (
    schemas.KnowledgeBaseRow,
    schemas.Document,
    schemas.UploadReply,
    schemas.Indexing,
    schemas.ChunkRow,
    schemas.ChildChunk,
    schemas.Hit,
    schemas.MetadataField,
    schemas.MetadataFields,
    schemas.Tag,
    schemas.ModelProvider,
    schemas.ListPage[schemas.Document],
    schemas.ListPage[schemas.KnowledgeBaseRow],
    schemas.ListPage[schemas.ChunkRow],
)
TURNS: dict[type, Callable[..., object]] = {
    schemas.KnowledgeBaseRow: to_model.base,
    schemas.Document: to_model.document,
    schemas.Indexing: to_model.progress,
}


def replies(data: bytes) -> None:
    """Any reply is read, or `Malformed`; what is read can be stored and shown."""
    for shape in SHAPES:
        with suppress(Malformed):
            _storable(_turned(read_body(shape, data)))
    asking = read("ask", Subject.DOCUMENT, "datasets")
    writing = write("tell", Subject.UPLOAD, "POST", "datasets")
    call = asking if data[:1] < b"m" else writing
    status = 300 + sum(data[:40]) % 300
    header = data[:60].decode("latin-1")
    headers = {"content-type": header, "retry-after": header, "location": header}
    outcome = errors.fault(call, ApiReply(status=status, headers=headers, body=data), WAY, 0)
    why = getattr(outcome, "why", None)
    if isinstance(why, Notice):
        assert not _steering(str(why)), why
        assert len(str(why)) < 2000


def _turned(found: object) -> object:
    if isinstance(found, schemas.ListPage):
        return [_turned(row) for row in found.rows]
    turn = TURNS.get(type(found))
    return turn(found) if turn else found


def _storable(found: object) -> None:
    if isinstance(found, bool) or found is None:
        return
    if isinstance(found, int):
        assert -MOST <= found < MOST
    elif isinstance(found, float):
        assert math.isfinite(found)
    elif isinstance(found, str):
        found.encode()
        assert "\0" not in found
    elif isinstance(found, (list, tuple)):
        for each in found:
            _storable(each)
    elif isinstance(found, schemas.ApiObject):
        _storable(list(found.model_dump().values()))
    elif isinstance(found, dict):
        _storable([*found, *found.values()])
    elif hasattr(found, "__dataclass_fields__"):
        for name in found.__dataclass_fields__:
            _storable(getattr(found, name))


# -- filters -------------------------------------------------------------------------------------


def filters(data: bytes) -> None:
    """Any ignore file gives a verdict on any path; the last line is the path."""
    text, _, path = data.decode("utf-8", "surrogateescape").rpartition("\n")
    patterns = compiled(text)
    compiled.cache_clear()
    verdicts = {patterns.verdict(path[:300]), patterns.verdict(path[:300] + "/")}
    assert verdicts <= {True, False, None}
    assert patterns or verdicts == {None}


# -- saved plans ---------------------------------------------------------------------------------


def plans(data: bytes) -> None:
    """Any file is a plan or a problem; a plan can be compared with what would be done now."""
    try:
        plan = read_plan(_written(data, "plan.json"))
    except Problem as problem:
        _printable(problem)
        return
    for mirror in plan.mirrors:
        for each in differences(mirror, (), {}):
            assert each.before
            assert each.after
