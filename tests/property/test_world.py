"""Carrying plans out ends: a few passes, the last one empty, and nothing lost on the way.

One ledger is perturbed, and on both sides of it the folder and the server; every planned action is
pretended done in any order, and the world is planned again.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.model import (
    Action,
    Delete,
    EntryState,
    Move,
    Present,
    Readiness,
    RemoteDocument,
    Skipped,
    Unknown,
)
from kbsync.planning.decide import decide
from kbsync.planning.marks import mark_of

from .perturbed import PATHS, worlds
from .world import MIRROR, World, changes_of, print_of

PASSES = 6  # two or three are the rule
CHANCE = st.randoms(use_true_random=False)


def _pass(world: World, chance: random.Random) -> None:
    actions = changes_of(world.plan())
    chance.shuffle(actions)
    world.carry_out(actions)


@settings(max_examples=300)
@given(worlds() | worlds(moving=True), CHANCE)
@pytest.mark.seconds(10)
def test_plans_carried_out_in_any_order_come_to_an_end(world: World, chance: random.Random) -> None:
    """On the way nothing changes that was made by hand, and nothing that is settled."""
    calm = {path: world.row(world.entries[path].document_id) for path in world.calm}
    by_hand = world.by_hand()
    for _ in range(PASSES):
        _assert_harmless(world, world.plan())
        _pass(world, chance)
        assert world.by_hand() == by_hand
    assert {action.key.path for action in changes_of(world.plan())} <= world.refused
    assert {p: world.row(world.entries[p].document_id) for p in calm} == calm
    _assert_mirrored(world)


def _assert_harmless(world: World, plan: Sequence[Action]) -> None:
    """Each document goes once at most, all of them are ours, and settled paths are left alone."""
    gone = [action.document_id for action in plan if isinstance(action, Delete)]
    assert len(gone) == len(set(gone))
    assert not {*gone} & {row.id for row in world.by_hand()}
    assert not world.calm & {action.key.path for action in plan}


def _assert_mirrored(world: World) -> None:
    """Whatever is neither held nor in conflict is there once, with the file's content."""
    stopped = {action.key.path for action in world.plan()}  # with what the server refused
    for path, file in world.folder.files.items():
        if path in stopped or not isinstance(world.folder.read(path), Present):
            continue
        entry = world.entries[path]
        document = world.base.documents[entry.document_id]
        assert document.content == file.content
        mark = mark_of(world.base.row(document))
        assert mark is not None
        assert (mark.mirror, mark.path) == (MIRROR, path)
        assert mark.fingerprint == print_of(file.content, world.rules.settings)
        copies = [row.id for row in world.rows() if _names(row, path)]
        assert copies == [document.id]
    gone = {*world.entries} - {*world.folder.files} - stopped
    if world.rules.config.prune:
        assert {world.entries[path].state for path in gone} <= {EntryState.TRASHED}


def _names(document: RemoteDocument, path: str) -> bool:
    mark = mark_of(document)
    return mark is not None and (mark.mirror, mark.path) == (MIRROR, path)


@settings(max_examples=100)
@given(worlds(), CHANCE)
def test_a_file_that_could_not_be_read_keeps_everything(
    world: World, chance: random.Random
) -> None:
    states = {path: world.folder.read(path) for path in world.folder.files}
    unread = {p for p, state in states.items() if isinstance(state, Unknown | Skipped)}
    quiet = unread - {*world.intents}  # the last call is accounted for all the same
    before = {path: world.entries.get(path) for path in quiet}
    synced = {p: e.state for p, e in before.items() if e and e.state is EntryState.SYNCED}
    for _ in range(PASSES):
        for action in changes_of(world.plan()):
            assert action.key.path not in quiet
        _pass(world, chance)
    assert {p: world.entries[p].state for p in synced} == synced
    assert {p for p, entry in before.items() if entry} <= {*world.entries}


@settings(max_examples=200)
@given(worlds(moving=True))
def test_a_rename_pairs_the_only_two_of_a_content(world: World) -> None:
    actions, free, new = world.decided()
    leaving = Counter(each.content for each in free)
    arriving = Counter(each.content for each in (*new, *(each.now for each in free if each.now)))
    plan = world.plan()
    moves = [action for action in plan if isinstance(action, Move)]
    for move in moves:
        file, entry = world.folder.files[move.key.path], world.entries[move.origin.path]
        assert isinstance(local := world.folder.read(move.key.path), Present)
        assert entry.fingerprint == print_of(file.content)
        document = world.row(move.document_id)
        assert isinstance(document, RemoteDocument)
        assert (document.rev, document.word_count) == (entry.rev, entry.word_count)
        assert document.readiness is Readiness.AVAILABLE
        assert (leaving[local.content or ""], arriving[local.content]) == (1, 1)
    ends = [key for move in moves for key in (("to", move.key), ("from", move.origin))]
    assert len(ends) == len(set(ends))
    others = {action.key for action in plan if not isinstance(action, Move)}
    assert not others & {key for _, key in ends}
    assert {action.key for action in actions} >= others


@settings(max_examples=60)
@given(worlds())
def test_a_decision_is_made_of_nothing_but_its_case(world: World) -> None:
    for path in PATHS:
        case = world.case(path)
        again = replace(world.case(path), evidence=replace(case.evidence))
        assert case is not again
        assert decide(case) == decide(again)
