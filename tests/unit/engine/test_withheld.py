"""Refusals that are not the file's: one upload tries it for all, and no file is remembered."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.observe.remote_state import refresh
from kbsync.engine.workers.pool import AHEAD
from kbsync.messages import Exit, Message
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Ambiguous, Rejection, Withheld

from .controlled import controlled
from .fakes import Stage, run_pool, stage
from .words import fingerprint_of, key_of

pytestmark = pytest.mark.anyio
FULL = Withheld(remote_say.QUOTA(what="create", words="the limit is reached"))
AWAY = Withheld(remote_say.MODEL_AWAY(what="create", words="no such model"), updates=True)
CLOSED = Ambiguous(remote_say.SERVER_FAULT(what="create", status=503, words="x"), withheld=True)
NAMES = [f"{n:02}.md" for n in range(40)]
AN_HOUR = 3600.0


def _stage() -> Stage:
    return stage(dict.fromkeys(NAMES, b"x"))


@pytest.mark.parametrize("refusal", [FULL, AWAY])
async def test_one_refusal_holds_them_all_and_one_success_lets_them_go(refusal: Withheld) -> None:
    on = _stage()
    on.server.always["create"] = refusal
    report = await run_pool(on, NAMES)
    assert on.server.count("create") <= 4  # as many as there are workers
    assert (report.withheld, report.exit, report.stopped) == (40, Exit.INCOMPLETE, {})
    assert on.ledger.rejections == on.ledger.intents == {}
    assert len([each for each in on.events if each.why is not None]) == 1

    before = on.server.count("create")
    report = await run_pool(on, NAMES)
    assert on.server.count("create") == before + 1
    assert report.withheld == 40

    on.server.always.clear()
    report = await run_pool(on, NAMES)
    assert (report.exit, report.withheld, report.notice) == (Exit.OK, 0, None)
    assert set(on.states().values()) == {"synced"}
    assert on.ledger.held_creates("docs") is None


@pytest.mark.parametrize(("refusal", "updated"), [(FULL, 5), (AWAY, 0)])
async def test_updates_go_on_where_only_room_is_missing(refusal: Withheld, updated: int) -> None:
    on = _stage()
    for n in range(5):
        on.synced(f"old{n}.md", b"before")
        on.source.write(f"old{n}.md", b"after")
    on.synced("gone.md", b"x")
    on.source.remove("gone.md")
    on.server.always["create"] = refusal
    if refusal is AWAY:
        on.server.always["update"] = refusal
    report = await run_pool(on, [*NAMES, *(f"old{n}.md" for n in range(5))], ["gone.md"])
    assert report.done["update"] == updated
    assert report.done["delete"] == 1
    assert on.server.count("create") + on.server.count("update") <= 4 + 1 + updated


async def test_where_updates_need_room_too_they_wait() -> None:
    on = stage()
    for name in NAMES:
        on.synced(name, b"before")
        on.source.write(name, b"after")
    on.server.always["update"] = FULL
    report = await run_pool(on, NAMES)
    assert report.withheld == 40
    assert on.server.count("update") <= 4


async def test_in_maintenance_what_is_not_sent_is_not_in_doubt() -> None:
    on = _stage()
    on.server.always["create"] = CLOSED
    with anyio.move_on_after(600):
        await run_pool(on, NAMES)
    assert on.server.count("create") <= 4
    assert len(on.ledger.intents) <= 4
    on.server.always.clear()
    await anyio.sleep(AN_HOUR)
    report = await run_pool(on, NAMES)
    assert set(on.states()) == set(NAMES)
    assert report.withheld == 0


@pytest.mark.parametrize("message", [remote_say.QUOTA, remote_say.MODEL_AWAY])
async def test_a_refusal_that_an_older_version_kept_is_not_the_files(message: Message) -> None:
    on = stage({"a.md": b"x"})
    on.ledger.rejections[key_of("a.md")] = Rejection(
        key=key_of("a.md"),
        fingerprint=fingerprint_of(b"x"),
        reason=(message.code, "refused"),
        at=0.0,
        stat=on.source.look("a.md").stat,  # type: ignore[union-attr]
    )
    await run_pool(on, ["a.md"], listing=await refresh(on.world))
    assert on.ledger.rejections == {}


async def test_the_daemon_tries_one_an_hour_and_says_it_once() -> None:
    on = stage()
    async with controlled(on) as it:
        on.server.always["create"] = FULL
        for name in NAMES:
            it.write(name, b"x")
        await anyio.sleep(300)
        first = on.server.count("create")
        assert first <= 4 + AHEAD
        await anyio.sleep(4 * AN_HOUR)
        assert 3 <= on.server.count("create") - first <= 5
        said = [each for each in it.events if each.why is not None]
        assert [each.why.message for each in said if each.why] == [say.HELD_CREATES]

        on.server.always.clear()
        await anyio.sleep(1.5 * AN_HOUR)
        assert set(on.states().values()) == {"synced"}
        assert len(on.states()) == 40


async def test_an_error_of_indexing_that_tells_of_a_limit_holds_what_is_not_sent_yet() -> None:
    on = _stage()
    on.server.failing_names |= set(NAMES)
    on.server.model.error = "the number of documents has exceeded the limit of your subscription"
    report = await run_pool(on, NAMES)
    assert on.server.count("create") <= 24
    assert report.withheld >= 16
