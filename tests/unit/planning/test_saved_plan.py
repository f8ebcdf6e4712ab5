"""A saved plan comes back from its file as it was, and tells where the world moved on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from kbsync.messages import engine as say
from kbsync.model import (
    Action,
    Adopt,
    Cause,
    Conflict,
    Create,
    Delete,
    DocKey,
    Hold,
    Move,
    Stat,
    Update,
)
from kbsync.planning.saved_plan import (
    PlanDifference,
    SavedMirror,
    SavedPlan,
    differences,
    saved_actions,
)

from .stories import remote

PATHS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
STATS = st.builds(Stat, st.integers(0, 2**40), st.integers(-(2**62), 2**62), st.integers(0, 9))


def _key(path: str) -> DocKey:
    return DocKey(mirror="docs", path=path)


@st.composite
def _action(draw: st.DrawFn, path: str) -> Action:
    key, stat, document = _key(path), draw(STATS), draw(st.sampled_from("de"))
    held = say.HELD_INDEXING(path=path)
    choices: list[Action] = [
        Create(key=key, row="T9", cause=Cause.NEW, stat=stat),
        Update(key=key, row="T17", cause=Cause.EDITED, stat=stat, document_id=document),
        Delete(key=key, row="T20", cause=Cause.REMOVED, document_id=document, name=path),
        Move(
            key=key,
            row="T9",
            cause=Cause.MOVED,
            origin=_key(draw(PATHS)),
            document_id=document,
            stat=stat,
        ),
        Adopt(key=key, row="T7", cause=Cause.MARK, document=remote(document)),
        Hold(key=key, row="R1", cause=Cause.INDEXING, why=held),
        Conflict(key=key, row="T8", cause=Cause.NEW, why=held),
    ]
    return draw(st.sampled_from(choices))


PLANS = st.lists(PATHS, unique=True, max_size=8).flatmap(
    lambda paths: st.tuples(*(_action(path) for path in paths))
)


def _contents(actions: tuple[Action, ...]) -> dict[DocKey, str]:
    """What each file holds: the same for the same size and time."""
    stats = ((a.key, a.stat) for a in actions if isinstance(a, Create | Update))
    return {key: f"{stat.size} {stat.mtime_ns}" for key, stat in stats}


def _saved(actions: tuple[Action, ...]) -> SavedMirror:
    kept = saved_actions(actions, _contents(actions))
    return SavedMirror(name="docs", digest="d", base_id=None, actions=kept)


def _differences(saved: SavedMirror, now: tuple[Action, ...]) -> list[PlanDifference]:
    return list(differences(saved, now, _contents(now)))


@given(PLANS)
def test_a_plan_comes_back_from_its_file_and_has_not_moved(actions: tuple[Action, ...]) -> None:
    plan = SavedPlan(
        kbsync_plan=1,
        settings="s",
        digest="d",
        refresh=True,
        prune_excluded=False,
        target=("*.md",),
        mirrors=(_saved(actions),),
    )
    back = SavedPlan.model_validate_json(plan.model_dump_json(indent=1, exclude_none=True))
    assert back == plan
    assert not _differences(back.mirrors[0], actions[::-1])


@given(PLANS, PLANS)
def test_every_change_that_differs_is_told_and_nothing_else(
    before: tuple[Action, ...], now: tuple[Action, ...]
) -> None:
    found = _differences(_saved(before), now)
    one = {each.path: each.does() for each in saved_actions(before, {})}
    other = {each.path: each.does() for each in saved_actions(now, {})}
    differs = sorted(p for p in one.keys() | other.keys() if one.get(p) != other.get(p))
    assert [each.key.path for each in found] == differs


def test_it_says_what_was_planned_and_what_would_be_done() -> None:
    create = Create(key=_key("a"), row="T9", cause=Cause.NEW, stat=Stat(1, 1, 1, 1))
    update = Update(
        key=_key("a"), row="T17", cause=Cause.EDITED, stat=Stat(1, 1, 1, 1), document_id="d"
    )
    edited = replace(create, stat=Stat(1, 2, 1, 1))
    other = replace(update, document_id="e")

    def shown(before: Action | None, now: Action | None) -> tuple[str, str]:
        (found,) = _differences(_saved((before,) if before else ()), (now,) if now else ())
        assert isinstance(found, PlanDifference)
        return found.before, found.after

    assert shown(create, None) == ("create", "nothing")
    assert shown(None, create) == ("nothing", "create")
    assert shown(create, update) == ("create", "update")
    assert shown(create, edited) == ("create", "create with the file as it is now")
    assert shown(update, other) == ("update", "update of another document")


def test_another_reason_for_the_same_change_has_not_moved() -> None:
    update = Update(
        key=_key("a"), row="T17", cause=Cause.EDITED, stat=Stat(1, 1, 1, 1), document_id="d"
    )
    again = replace(update, row="T16", cause=Cause.DRIFT, stat=Stat(1, 1, 99, 1))
    assert not _differences(_saved((update,)), (again,))


def test_other_bytes_of_the_same_size_and_time_are_not_what_was_planned() -> None:
    create = Create(key=_key("a"), row="T9", cause=Cause.NEW, stat=Stat(1, 1, 1, 1))
    (found,) = differences(_saved((create,)), (create,), {create.key: "other"})
    assert (found.before, found.after) == ("create", "create with the file as it is now")
    assert list(differences(_saved((create,)), (create,), {}))  # it cannot be read now
    older = SavedMirror(name="docs", digest="d", actions=saved_actions((create,), {}))
    assert not list(differences(older, (create,), {create.key: "other"}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kbsync_plan": 2}', "version: 1", "\0"])
def test_what_is_no_plan_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        SavedPlan.model_validate_json(text)
