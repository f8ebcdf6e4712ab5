"""Whether a key may be removed or embedded again: only where the guarded plan did so."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kbsync.config.guard import GuardConfig
from kbsync.engine.workers.permits import Permits
from kbsync.messages import Notice
from kbsync.messages import engine as engine_say
from kbsync.messages import guard as say
from kbsync.model import (
    Action,
    Allowed,
    Cause,
    Create,
    Delete,
    DocKey,
    Guard,
    Halted,
    Hold,
    Stat,
    Update,
)
from kbsync.planning.guard import Facts, History, guard, risk_of
from kbsync.planning.guarded_plan import guarded_plan

from .words import key_of

STAT = Stat(1, 1, 1, 1)


def delete(path: str, cause: str = "removed") -> Delete:
    return Delete(
        key=key_of(path), row="T20", cause=Cause(cause), document_id=f"d-{path}", name=path
    )


def create(path: str, cause: str = "new") -> Create:
    return Create(key=key_of(path), row="T9", cause=Cause(cause), stat=STAT)


def update(path: str, cause: str) -> Update:
    return Update(
        key=key_of(path), row="T17", cause=Cause(cause), stat=STAT, document_id=f"d-{path}"
    )


def holding(keys: Collection[DocKey]) -> Guard:
    """A guard that holds `keys` back."""
    if not keys:
        return Allowed()
    members = frozenset(key.path for key in keys)
    return Halted(mirror="docs", why=(), digest="", keys=frozenset(keys), members=members)


def permits(
    actions: Sequence[Action], facts: Facts, held: Collection[DocKey], *, granted: bool
) -> Permits:
    """The permits of a plan, for a pass or, if `granted`, as they are granted to its keys."""
    plan = guarded_plan(actions, facts, holding(held))
    if not granted:
        return Permits(removals=plan.removals, uploads=plan.uploads)
    found = Permits()
    found.grant([action.key for action in plan.actions], plan)
    return found


def refusal(found: Permits, action: Action) -> Notice | None:
    return found.allowed(action, present=False)


@pytest.mark.parametrize("granted", [False, True])
def test_a_pass_removes_only_what_its_plan_removed(granted: bool) -> None:
    actions: list[Action] = [delete("a"), delete("b"), create("c"), update("d", "edited")]
    free = permits(actions, Facts(mirror="docs", documents=4), {key_of("b")}, granted=granted)
    assert refusal(free, delete("a")) is None
    for path in ("b", "c", "d", "elsewhere"):
        found = refusal(free, delete(path))
        assert found is not None
        assert found.message is say.HELD_REMOVAL
    assert refusal(free, delete("c", "superseded")) is None


@pytest.mark.parametrize("granted", [False, True])
@pytest.mark.parametrize("cause", ["drift", "settings", "unknown"])
def test_a_pass_embeds_again_only_what_its_plan_sent(cause: str, granted: bool) -> None:
    actions: list[Action] = [
        delete("a"),
        update("b", "drift"),
        update("c", "edited"),
        update("d", "settings"),
    ]
    free = permits(actions, Facts(mirror="docs", documents=4), {key_of("d")}, granted=granted)
    for path in ("b", "c"):
        assert refusal(free, update(path, cause)) is None
        assert refusal(free, create(path, "missing")) is None
    for path in ("a", "d", "elsewhere"):
        assert refusal(free, update(path, cause)) is not None
        assert refusal(free, create(path, "missing")) is not None
        assert refusal(free, update(path, "edited")) is None
        assert refusal(free, create(path)) is None


@given(st.data())
def test_what_is_held_back_is_never_permitted(data: st.DataObject) -> None:
    causes = st.sampled_from(
        ["removed", "orphan", "superseded", "missing", "new", "drift", "settings", "edited"]
    )
    drawn = data.draw(st.dictionaries(st.integers(0, 90), causes, max_size=80))
    makers = {"missing": create, "new": create}
    makers |= dict.fromkeys(("drift", "settings", "edited"), update)
    actions = [makers.get(cause, delete)(f"{n}", cause) for n, cause in drawn.items()]
    root = data.draw(st.sampled_from([None, say.ROOT_EMPTY()]))
    facts = Facts(mirror="docs", documents=data.draw(st.integers(0, 90)), root=root)
    found = guard(actions, facts, History(), GuardConfig())
    keys = found.keys if isinstance(found, Halted) else frozenset()
    free = permits(actions, facts, keys, granted=data.draw(st.booleans()))
    for action in actions:
        asked = risk_of(action) is not None
        assert (refusal(free, action) is None) is (not asked or action.key not in keys)


def test_what_is_foreseen_is_permitted_unless_it_is_held_back() -> None:
    action = Hold(
        key=key_of("a"), row="R1", cause=Cause.INDEXING, why=engine_say.HELD_INDEXING(path="a")
    )
    follows = delete("a")
    facts = Facts(mirror="docs", documents=1, foreseen={action.key: follows})
    assert refusal(permits([action], facts, (), granted=False), follows) is None
    held = permits([action], facts, {action.key}, granted=False)
    assert refusal(held, follows) is not None


@pytest.mark.parametrize("granted", [False, True])
def test_a_file_that_came_back_and_is_gone_again_is_for_the_next_plan(granted: bool) -> None:
    free = permits([delete("a")], Facts(mirror="docs", documents=1), (), granted=granted)
    assert free.expects_removal(key_of("a"))
    assert free.allowed(delete("a", "excluded"), present=True) is None
    assert not free.expects_removal(key_of("a"))
    assert refusal(free, delete("a")) is not None
    if granted:
        free.grant(
            [key_of("a")], guarded_plan([delete("a")], Facts(mirror="docs", documents=1), Allowed())
        )
        assert refusal(free, delete("a")) is None


def test_a_dropped_key_may_do_nothing_and_leaves_nothing() -> None:
    free = permits([delete("a")], Facts(mirror="docs", documents=1), (), granted=True)
    assert free.risks.keys() == {key_of("a")}
    free.spent(key_of("a"))
    assert not free.risks
    free.drop(key_of("a"))
    assert not free.keys
    assert refusal(free, delete("a")) is not None


def test_a_dropped_key_does_not_get_its_planned_removal_back_once_its_file_was_seen() -> None:
    free = permits([delete("a")], Facts(mirror="docs", documents=1), (), granted=False)
    assert free.allowed(update("a", "edited"), present=True) is None
    free.drop(key_of("a"))
    assert refusal(free, delete("a")) is not None
