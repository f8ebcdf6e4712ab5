"""What is committed at the same moment shares a transaction, and each gets its own fault."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from kbsync.engine.group_commit import GroupCommit
from kbsync.engine.ports import EntryChange
from kbsync.messages import Problem
from kbsync.model import DocKey

from .fakes import run_pool, stage
from .words import WHY, key_of

pytestmark = pytest.mark.anyio


class Written:
    """Remembers transactions; refuses those with a key of `refused`."""

    def __init__(self, *refused: DocKey) -> None:
        self.transactions: list[list[DocKey]] = []
        self._refused = set(refused)

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        keys = [change.key for change in changes]
        if self._refused & set(keys):
            raise Problem(WHY)
        self.transactions.append(keys)


async def test_what_is_ready_at_once_is_written_at_once() -> None:
    written, keys = Written(), [key_of(f"{n}.md") for n in range(5)]
    commits = GroupCommit(written)
    done: list[DocKey] = []

    async def commit(key: DocKey) -> None:
        await commits.commit(EntryChange(key=key))
        assert any(key in each for each in written.transactions)  # durable when it returns
        done.append(key)

    async with anyio.create_task_group() as group:
        for key in keys:
            group.start_soon(commit, key)
    assert sorted(done) == keys
    assert len(written.transactions) == 1


async def test_one_that_cannot_be_written_costs_the_others_nothing() -> None:
    bad, good = key_of("bad.md"), [key_of("a.md"), key_of("b.md")]
    written = Written(bad)
    commits = GroupCommit(written)
    faults: list[DocKey] = []

    async def commit(key: DocKey) -> None:
        try:
            await commits.commit(EntryChange(key=key))
        except Problem:
            faults.append(key)

    async with anyio.create_task_group() as group:
        for key in (good[0], bad, good[1]):
            group.start_soon(commit, key)
    assert faults == [bad]
    assert sorted(key for each in written.transactions for key in each) == good


async def test_a_commit_is_not_cut_off() -> None:
    written, key = Written(), key_of("a.md")
    with anyio.CancelScope() as scope:
        scope.cancel()
        await GroupCommit(written).commit(EntryChange(key=key))
    assert written.transactions == [[key]]


async def test_an_outcome_and_the_next_intent_share_a_transaction() -> None:
    names = [f"{n:02}.md" for n in range(40)]
    on = stage(dict.fromkeys(names, b"x"))
    transactions = 0
    true = on.ledger.commit_all

    def commit_all(changes: Sequence[EntryChange]) -> None:
        nonlocal transactions
        transactions += 1
        true(changes)

    on.ledger.commit_all = commit_all  # type: ignore[method-assign]
    intents: list[bool] = []
    on.server.on_call["create"] = lambda name: intents.append(
        any(each.name == name for each in on.ledger.intents.values())
    )
    await run_pool(on, names)
    assert intents == [True] * 40
    assert transactions < 40
