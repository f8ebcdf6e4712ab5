"""Plans are values: sorted, counted, and named by a digest that is the same everywhere."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.messages import Message
from kbsync.model import (
    Action,
    Adopt,
    Cause,
    Conflict,
    Create,
    Delete,
    DocKey,
    Forget,
    Hold,
    Intent,
    Move,
    Noop,
    Op,
    Readiness,
    RemoteDocument,
    Resolve,
    Restore,
    SetMetadata,
    Stat,
    Update,
)
from kbsync.planning.plan import digest_of, make_plan

WHY = Message("KB-T001", "a test said so")()


# -- plans as values -----------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=12)
KEYS = st.builds(DocKey, mirror=st.sampled_from(["docs", "wiki"]), path=NAMES)
STATS = st.builds(Stat, st.integers(0, 99), st.integers(0, 99), st.integers(0, 9))
DOCUMENTS = st.builds(
    RemoteDocument,
    id=NAMES,
    name=NAMES,
    rev=NAMES,
    word_count=st.integers(0, 9),
    readiness=st.sampled_from(Readiness),
)
COMMON = {"key": KEYS, "row": st.just("T0"), "cause": st.sampled_from([Cause.NEW, Cause.EDITED])}
HELD = {"key": KEYS, "row": st.just("T1"), "cause": st.just(Cause.UNREADABLE), "why": st.just(WHY)}
INTENTS = st.builds(Intent, key=KEYS, op=st.sampled_from(Op), name=NAMES, started_at=st.just(0.0))
ACTIONS = st.one_of(
    st.builds(Create, **COMMON, stat=STATS),
    st.builds(Update, **COMMON, stat=STATS, document_id=NAMES),
    st.builds(Delete, **COMMON, document_id=NAMES, name=NAMES),
    st.builds(Move, **COMMON, origin=KEYS, document_id=NAMES, stat=STATS),
    st.builds(SetMetadata, **COMMON, document_id=NAMES),
    st.builds(Restore, **COMMON, document_id=NAMES),
    st.builds(Adopt, **COMMON, document=DOCUMENTS),
    st.builds(Forget, **COMMON),
    st.builds(Resolve, **COMMON, intent=INTENTS),
    st.builds(Hold, **HELD),
    st.builds(Conflict, **HELD),
    st.builds(Noop, key=KEYS, row=st.just("T14")),
)
PLANS = st.lists(ACTIONS, max_size=12, unique_by=lambda action: action.key)


@settings(max_examples=50)
@given(PLANS, st.randoms(use_true_random=False))
def test_a_plan_does_not_depend_on_the_order_it_was_found_in(
    actions: list[Action], chance: random.Random
) -> None:
    shuffled = actions[:]
    chance.shuffle(shuffled)
    assert make_plan(shuffled) == make_plan(actions)


@settings(max_examples=50)
@given(PLANS)
def test_uploads_come_before_deletes_and_then_paths_in_order(actions: list[Action]) -> None:
    plan = make_plan(actions)
    places = [(isinstance(a, Delete), a.key.mirror, a.key.path) for a in plan.actions]
    assert places == sorted(places)
    assert len(plan.actions) == sum(not isinstance(action, Noop) for action in actions)
    assert sum(plan.counts.values()) == len(plan.actions)
    assert 0 not in plan.counts.values()
    assert plan.changes == any(not isinstance(a, Hold | Conflict) for a in plan.actions)


@settings(max_examples=50)
@given(PLANS, ACTIONS)
def test_one_more_action_is_another_digest(actions: list[Action], more: Action) -> None:
    if isinstance(more, Noop) or any(action.key == more.key for action in actions):
        return
    assert make_plan([*actions, more]).digest != make_plan(actions).digest


@given(st.one_of(*(st.builds(kind, **COMMON, document_id=NAMES, **extra) for kind, extra in (
    (Update, {"stat": STATS}),
    (Delete, {"name": NAMES}),
    (Restore, {}),
    (SetMetadata, {}),
    (Move, {"origin": KEYS, "stat": STATS}),
))))  # fmt: skip
def test_another_document_is_another_digest(action: Update | Delete | Restore) -> None:
    other = replace(action, document_id=action.document_id + "x")
    assert digest_of([other]) != digest_of([action])


@given(st.builds(Move, **COMMON, origin=KEYS, document_id=NAMES, stat=STATS))
def test_another_origin_is_another_digest(action: Move) -> None:
    other = replace(action, origin=replace(action.origin, path=action.origin.path + "x"))
    assert digest_of([other]) != digest_of([action])
