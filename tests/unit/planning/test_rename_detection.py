"""Which documents are free to go, and which file each of them goes to."""

from __future__ import annotations

from dataclasses import replace

import pytest
from declared import one_rule

from kbsync.model import (
    Action,
    Cause,
    Create,
    Delete,
    DocKey,
    EntryState,
    Move,
    Present,
    Readiness,
    Stat,
    Update,
)
from kbsync.planning.decide import decide
from kbsync.planning.rename_detection import (
    Vacated,
    chains,
    pair,
    vacated,
    with_renames,
    worth_hashing,
)

from .stories import (
    EDITED,
    KEY,
    NEW,
    OLD,
    RULES,
    SAME,
    TOUCHED,
    UNHASHED,
    case,
    declaring,
    entry,
    remote,
)


def _key(path: str) -> DocKey:
    return DocKey(mirror="docs", path=path)


def _file(path: str, content: str | None) -> Present:
    return Present(key=_key(path), stat=Stat(len(content or ""), 1, 1, 1), content=content)


def _gone(path: str, content: str, now: str | None = None) -> Vacated:
    stands = _file(path, now) if now is not None else None
    return Vacated(
        key=_key(path), document_id=f"doc {path}", content=content, size=len(content), now=stands
    )


def _told(moves: tuple[Move, ...]) -> dict[str, str]:
    assert all(move.document_id == f"doc {move.origin.path}" for move in moves)
    return {move.key.path: move.origin.path for move in moves}


# -- which documents are free --------------------------------------------------------------------


def test_a_removed_file_leaves_its_document_free() -> None:
    subject = case(entry=entry(), known=remote())
    assert vacated(subject, decide(subject)) == Vacated(
        key=KEY, document_id="D", content="old", size=OLD.size
    )


def test_an_edited_file_leaves_the_document_of_its_old_content_free() -> None:
    subject = case(local=EDITED, entry=entry(), known=remote())
    free = vacated(subject, decide(subject))
    assert free is not None
    assert (free.content, free.now) == ("old", EDITED)


NOT_FREE = {
    "the same file": {"local": SAME},
    "only touched": {"local": TOUCHED},
    "edited, and not hashed": {"local": UNHASHED, "entry": entry()},
    "nothing was sent": {"entry": None},
    "still indexing": {"known": remote(readiness=Readiness.INDEXING)},
    "not proved done": {"entry": entry(EntryState.INDEXING)},
    "failed": {"entry": entry(EntryState.FAILED)},
    "in error": {"known": remote(readiness=Readiness.ERROR)},
    "in error, and edited": {"known": remote(readiness=Readiness.ERROR), "local": EDITED},
    "in the trash": {"entry": entry(EntryState.TRASHED)},
    "switched off by a person": {"known": remote(readiness=Readiness.DISABLED)},
    "changed at the server": {"known": remote(words=9)},
    "changed at the server, which is no reason to keep it": {
        "known": remote(words=9),
        "rules": replace(RULES, delete_drifted=True),
    },
    "changed at the server and here": {"known": remote(words=9), "local": EDITED},
    "other settings": {"rules": replace(RULES, rule=one_rule("other").shared)},
    "other settings and edited": {
        "rules": replace(RULES, rule=one_rule("other").shared),
        "local": EDITED,
    },
    "unknown content": {"entry": entry(fingerprint=None)},
    "unknown stat": {"entry": entry(stat=None)},
    "empty": {"entry": entry(stat=Stat(0, 1, 1, 1))},
    "half replaced": {"entry": entry(superseded="before"), "replaced": remote("before")},
    "a mirror that keeps everything": {"rules": declaring(prune=False)},
}


@pytest.mark.parametrize("given", NOT_FREE.values(), ids=NOT_FREE.keys())
def test_no_other_document_is_free(given: dict[str, object]) -> None:
    subject = case(**{"entry": entry(), "known": remote(), **given})
    assert vacated(subject, decide(subject)) is None


# -- which files are worth a look ----------------------------------------------------------------


def _create(path: str, size: int, cause: Cause = Cause.NEW) -> Create:
    return Create(key=_key(path), row="T9", cause=cause, stat=Stat(size, 1, 1, 1))


def test_only_new_files_of_a_free_documents_size_are_hashed() -> None:
    actions: list[Action] = [_create("a", 3), _create("b", 4), _create("c", 3, Cause.MISSING)]
    assert [each.key.path for each in worth_hashing(actions, [_gone("x", "sss")])] == ["a"]
    both = [_gone("x", "sss"), _gone("y", "four", now="other")]
    assert [each.key.path for each in worth_hashing(actions, both)] == ["a", "b"]


def test_nothing_is_hashed_while_no_file_was_removed() -> None:
    assert not list(worth_hashing([_create("a", 3)], [_gone("x", "sss", now="other")]))
    assert not list(worth_hashing([_create("a", 3)], []))


# -- pairs ---------------------------------------------------------------------------------------


def test_a_rename_is_a_move() -> None:
    (move,) = pair([_gone("old", "x")], [_file("new", "x")])
    assert move == Move(
        key=_key("new"),
        row="M1",
        cause=Cause.MOVED,
        origin=_key("old"),
        document_id="doc old",
        stat=Stat(1, 1, 1, 1),
    )


@pytest.mark.parametrize(
    ("free", "new"),
    [
        ([_gone("a", "x"), _gone("b", "x")], [_file("c", "x")]),
        ([_gone("a", "x")], [_file("b", "x"), _file("c", "x")]),
        ([_gone("a", "x"), _gone("b", "x")], [_file("c", "x"), _file("d", "x")]),
        ([_gone("a", "x")], [_file("b", "y")]),
        ([_gone("a", "x")], [_file("b", None)]),
        ([_gone("a", "x"), _gone("b", "y", now="x")], [_file("c", "x")]),
        # A file that stays would lose its document, or have two.
        ([_gone("a", "x", now="new")], [_file("b", "x")]),
        ([_gone("a", "x"), _gone("b", "y", now="x")], []),
        ([_gone("a", "x"), _gone("b", "y", now="x"), _gone("c", "z", now="y")], []),
        ([_gone("a", "x", now="new"), _gone("b", "y", now="x")], [_file("c", "y")]),
    ],
)
def test_what_is_not_certain_or_leaves_something_over_is_no_move(
    free: list[Vacated], new: list[Present]
) -> None:
    assert pair(free, new) == ()


def test_one_doubtful_content_is_no_reason_against_another() -> None:
    free = [_gone("a", "x"), _gone("b", "x"), _gone("c", "z")]
    assert _told(pair(free, [_file("d", "x"), _file("e", "z")])) == {"e": "c"}


def test_a_row_of_paths_and_a_ring_of_them() -> None:
    row = [_gone("a", "A"), _gone("b", "B", now="A")]
    ring = [_gone("p", "P", now="R"), _gone("q", "Q", now="P"), _gone("r", "R", now="Q")]
    moves = pair([*row, *ring], [_file("c", "B")])
    assert _told(moves) == {"b": "a", "c": "b", "q": "p", "r": "q", "p": "r"}
    together = {frozenset(move.key.path for move in chain) for chain in chains(moves)}
    assert together == {frozenset("bc"), frozenset("pqr")}


def test_a_broken_end_breaks_its_row_and_nothing_else() -> None:
    free = [_gone("a", "A", now="new"), _gone("b", "B", now="A"), _gone("c", "C", now="B")]
    swap = [_gone("p", "P", now="Q"), _gone("q", "Q", now="P")]
    moves = pair([*free, *swap], [_file("d", "C")])
    assert _told(moves) == {"p": "q", "q": "p"}


def test_the_moves_stand_for_the_actions_they_spare() -> None:
    moves = pair([_gone("old", "x")], [_file("new", "x")])
    delete = Delete(key=_key("old"), row="T20", cause=Cause.REMOVED, document_id="d", name="old")
    update = Update(key=_key("z"), row="T17", cause=Cause.EDITED, stat=NEW, document_id="other")
    actions: list[Action] = [_create("new", 1), delete, update]
    assert with_renames(actions, moves) == [update, *moves]
    assert with_renames(actions, ()) == actions
