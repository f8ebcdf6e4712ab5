"""Contents shuffled among paths: nothing that is at the server already is embedded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from kbsync.model import Action, Cause, Create, Delete, DocKey, Move, Present, Stat, Update
from kbsync.planning.rename_detection import Vacated, chains, pair, with_renames

PATHS = [f"p{n}" for n in range(7)]
FOLDERS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from("abcdefg"))
DISTINCT = st.lists(st.sampled_from(PATHS), unique=True, min_size=1).flatmap(
    lambda paths: st.permutations(PATHS).map(
        lambda order: (
            {path: f"content of {path}" for path in paths},
            {new: f"content of {old}" for old, new in zip(paths, order, strict=False)},
        )
    )
)

Folder = Mapping[str, str]


def _key(path: str) -> DocKey:
    return DocKey(mirror="docs", path=path)


def _file(folder: Folder, path: str) -> Present:
    return Present(key=_key(path), stat=Stat(1, 1, 1, 1), content=folder[path])


def planned(before: Folder, after: Folder) -> list[Action]:
    """What a pass decides after the folder changed from `before` to `after`."""
    free = [
        Vacated(
            key=_key(path),
            document_id=path,
            content=content,
            size=1,
            now=_file(after, path) if path in after else None,
        )
        for path, content in before.items()
        if after.get(path) != content
    ]
    new = [_file(after, path) for path in after if path not in before]
    stat = Stat(1, 1, 1, 1)
    actions: list[Action] = [Create(key=e.key, row="T9", cause=Cause.NEW, stat=stat) for e in new]
    for each in free:
        words = {"key": each.key, "document_id": each.document_id}
        actions.append(
            Update(row="T17", cause=Cause.EDITED, stat=stat, **words)
            if each.now
            else Delete(row="T20", cause=Cause.REMOVED, name=each.key.path, **words)
        )
    return with_renames(actions, pair(free, new))


def pretended(before: Folder, after: Folder, actions: list[Action]) -> dict[str, str]:
    """What the documents of each path hold once `actions` are done, moves first."""
    held = dict(before)
    moves = [action for action in actions if isinstance(action, Move)]
    for chain in chains(moves):
        lifted = {move.origin.path: held.pop(move.origin.path) for move in chain}
        for move in chain:
            assert move.key.path not in held
            held[move.key.path] = lifted[move.origin.path]
    for action in actions:
        match action:
            case Create() | Update():
                assert isinstance(action, Update) == (action.key.path in held)
                held[action.key.path] = after[action.key.path]
            case Delete():
                del held[action.key.path]
    return held


@given(FOLDERS, FOLDERS)
def test_whatever_changed_every_path_ends_with_its_content(before: Folder, after: Folder) -> None:
    actions = planned(before, after)
    assert pretended(before, after, actions) == after
    assert len({action.key for action in actions}) == len(actions)


@given(FOLDERS, FOLDERS)
def test_of_two_candidates_neither_is_taken(before: Folder, after: Folder) -> None:
    left = Counter(c for path, c in before.items() if after.get(path) != c)
    come = Counter(c for path, c in after.items() if before.get(path) != c)
    for action in planned(before, after):
        if isinstance(action, Move):
            content = after[action.key.path]
            assert before[action.origin.path] == content
            assert (left[content], come[content]) == (1, 1)


@given(DISTINCT)
def test_a_shuffle_of_different_contents_embeds_nothing(shuffle: tuple[Folder, Folder]) -> None:
    before, after = shuffle
    assert all(isinstance(action, Move) for action in planned(before, after))


@given(FOLDERS, FOLDERS)
def test_the_way_back_is_the_same_moves_turned_round(before: Folder, after: Folder) -> None:
    there = {(a.origin, a.key) for a in planned(before, after) if isinstance(a, Move)}
    back = {(a.key, a.origin) for a in planned(after, before) if isinstance(a, Move)}
    assert there == back
