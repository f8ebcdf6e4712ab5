"""The merge join of walk and ledger, against brute force over random trees and rows."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.engine.observe.candidates import ScanTally, candidates
from kbsync.engine.ports import Blocked, FileRow
from kbsync.model import Absent, Excluded, FileState, Present, Skipped, Unknown
from kbsync.planning.path_range import EVERYTHING, PathRange, PathScope
from tests.model.folder import LOCKED, Folder

from .words import MIRROR, WHY, key_of

PARTS = st.sampled_from(["a", "b", "a.txt", "a-b", "A", "ü", "\U0001f600", "a b", "~"])
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
KINDS = st.sampled_from(["file", "file", "file", "skipped", "unknown", "excluded"])
ROWS = st.sampled_from(["settled", "settled", "moved", "unsettled", "none"])
DEEP = ["a/b", "a/c/d", "a.txt", "b"]


def _source(tree: dict[str, str], blocked: list[str]) -> Folder:
    source = Folder(MIRROR, files={path: path.encode() for path in tree})
    for path, kind in tree.items():
        if kind == "skipped":
            source.states[path] = Skipped(key=key_of(path), why=WHY)
        if kind == "unknown":
            source.states[path] = Unknown(key=key_of(path), why=WHY)
        if kind == "excluded":
            source.states[path] = Excluded(key=key_of(path))
    source.locked = set(blocked)
    return source


def _rows(source: Folder, kinds: dict[str, str]) -> list[FileRow]:
    rows: list[FileRow] = []
    for path, kind in sorted(kinds.items()):
        stat = source.files[path].stat if path in source.files else (7, 7, 7, 7)
        if kind == "settled":
            rows.append((path, *stat))
        elif kind == "moved":
            rows.append((path, stat[0], stat[1] + 1, *stat[2:]))
        elif kind == "unsettled":
            rows.append((path, -1, 0, 0, -1))
    return rows


def _candidates(source: Folder, rows: list[FileRow]) -> tuple[list[FileState], ScanTally]:
    tally = ScanTally()
    return list(candidates(MIRROR, source, iter(rows), tally)), tally


def _expected(source: Folder, rows: list[FileRow]) -> dict[str, FileState]:
    """Every path of either side, one by one, without the order."""
    settled = {row[0]: row for row in rows}
    walked = {seen[0]: seen for seen in source.scan() if isinstance(seen, tuple)}
    stated = {s.key.path: s for s in source.scan() if not isinstance(s, tuple | Blocked)}
    # What is left out is counted, and only shown where something was sent.
    found = {
        path: state
        for path, state in stated.items()
        if path in settled or not isinstance(state, Excluded)
    }
    for path, seen in walked.items():
        if settled.get(path) != seen:
            found[path] = source.look(path)
    told = {path for path, state in stated.items() if isinstance(state, Unknown | Skipped)}
    for seen in source.scan():
        if isinstance(seen, Blocked) and seen.prefix and seen.prefix[:-1] not in told:
            found[seen.prefix] = Unknown(key=key_of(seen.prefix), why=seen.why)
    for path in settled.keys() - walked.keys() - stated.keys():
        hidden = any(path.startswith(prefix) for prefix in source.locked)
        found[path] = Unknown(key=key_of(path), why=LOCKED) if hidden else source.look(path)
    return found


@settings(max_examples=120, deadline=None)
@given(
    tree=st.dictionaries(PATHS, KINDS, max_size=14),
    kinds=st.dictionaries(PATHS, ROWS, max_size=10),
    blocked=st.lists(st.sampled_from(["a/", "a/b/", "ü/", "a.txt/", ""]), max_size=2, unique=True),
    data=st.data(),
)
def test_the_join_says_what_asking_about_each_path_would_say(
    tree: dict[str, str], kinds: dict[str, str], blocked: list[str], data: st.DataObject
) -> None:
    source = _source(tree, blocked)
    both = {path: data.draw(ROWS) for path in tree}
    rows = _rows(source, {**kinds, **both})
    states, tally = _candidates(source, rows)
    expected = _expected(source, rows)
    assert [state.key.path for state in states] == sorted(expected)
    assert {state.key.path: state for state in states} == expected
    walked = [seen for seen in source.scan() if isinstance(seen, tuple)]
    assert tally.files == len(walked)
    assert tally.unchanged == sum(seen in rows for seen in walked)
    assert sorted(b.prefix for b in tally.blocked) == sorted(blocked)


def test_a_settled_file_is_counted_and_not_mentioned() -> None:
    source = Folder(MIRROR, files=dict.fromkeys(DEEP, b"x"))
    rows = [row for row in source.scan() if isinstance(row, tuple)]
    states, tally = _candidates(source, rows)
    assert (states, tally.unchanged, tally.files) == ([], 4, 4)


def test_new_changed_and_removed_files_are_met_in_order() -> None:
    source = Folder(MIRROR, files={"a": b"1", "c": b"2", "d": b"3"})
    rows: list[FileRow] = [("b", 1, 1, 1, 1), ("c", 9, 9, 9, 9), ("d", *source.files["d"].stat)]
    states, tally = _candidates(source, rows)
    kinds = [(type(state), state.key.path) for state in states]
    assert kinds == [(Present, "a"), (Absent, "b"), (Present, "c")]
    assert (tally.unchanged, tally.files) == (1, 3)


def test_what_lies_under_a_folder_that_could_not_be_listed_is_unknown() -> None:
    source = Folder(MIRROR, files={"a/b": b"1", "b": b"2"})
    source.locked = {"a/"}
    rows: list[FileRow] = [(path, 1, 1, 1, 1) for path in ("a-b", "a/b", "a/z", "aa")]
    states, tally = _candidates(source, rows)
    kinds = [(type(state), state.key.path) for state in states]
    assert kinds == [
        (Absent, "a-b"),
        (Unknown, "a/"),
        (Unknown, "a/b"),
        (Unknown, "a/z"),
        (Absent, "aa"),
        (Present, "b"),
    ]
    assert [blocked.prefix for blocked in tally.blocked] == ["a/"]


def test_a_root_that_could_not_be_listed_makes_everything_unknown() -> None:
    source = Folder(MIRROR)
    source.locked = {""}
    states, _ = _candidates(source, [("a", 1, 1, 1), ("b/c", 1, 1, 1)])
    assert [type(state) for state in states] == [Unknown, Unknown]


def test_the_source_is_asked_only_about_what_the_walk_did_not_meet() -> None:
    asked: list[str] = []

    class Asked(Folder):
        def look(self, path: str) -> FileState:
            asked.append(path)
            return super().look(path)

    source = Asked(MIRROR, files={"a": b"1", "c": b"2"})
    _candidates(source, [("a", 1, 1, 1), ("b", 1, 1, 1), ("z", 1, 1, 1)])
    assert asked == ["b", "z"]


@settings(max_examples=120, deadline=None)
@given(
    tree=st.dictionaries(PATHS, KINDS, max_size=14),
    kinds=st.dictionaries(PATHS, ROWS, max_size=10),
    most=st.integers(1, 6),
)
def test_parts_say_together_what_the_whole_says(
    tree: dict[str, str], kinds: dict[str, str], most: int
) -> None:
    """Each part ends where it met enough, and the next one begins there."""
    source = _source(tree, [])
    rows = _rows(source, kinds)
    whole, counted = _candidates(source, rows)
    states: list[FileState] = []
    tallies: list[ScanTally] = []
    rest: PathRange | None = EVERYTHING
    while rest is not None:
        tally, scope = ScanTally(), PathScope(rest, most)
        mine = [row for row in rows if row[0] in rest]
        states += candidates(MIRROR, source, iter(mine), tally, scope=scope)
        assert tally.met <= 2 * most + sum(row[1] < 0 for row in rows) + len(kinds)
        tallies.append(tally)
        rest = None if tally.cut is None else PathRange(tally.cut, rest.end)
    assert states == whole
    for name in ("files", "unchanged", "recorded", "found", "left_out"):
        assert sum(getattr(tally, name) for tally in tallies) == getattr(counted, name)
