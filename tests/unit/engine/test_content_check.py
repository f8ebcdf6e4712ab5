"""A stat is not content: what changed behind the same stat is found by reading, and sent."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from declared import one_rule

from kbsync.engine.control.rehash import SHARE, RollingRehash
from kbsync.engine.execute.promises import broken_promise, hashes_to_send
from kbsync.engine.execute.results import Stopped
from kbsync.engine.execute.uploads import create
from kbsync.engine.observe.content_check import ContentCheck
from kbsync.engine.observe.evidence import EvidenceCollector
from kbsync.messages import guard as guard_say
from kbsync.messages import source as says
from kbsync.model import Create, FileState, Hold, Rehash, Rejection, Skipped, Unknown, Update
from kbsync.model.files import NO_CTIME
from tests.model.dated_folder import DatedFolder
from tests.model.folder import Folder

from .controlled import SETTLE, controlled, counted, filled
from .fakes import Stage
from .test_planner import engine_of, unmarked
from .words import MIRROR, fingerprint_of, key_of

pytestmark = pytest.mark.anyio
A = key_of("a.md")
DAY = 86_400.0


class CountedFolder(Folder):
    """Counts the files that were read, and not only looked at."""

    reads: list[str]

    def read(
        self, path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ):  # type: ignore[no-untyped-def]
        self.reads.append(path)
        return super().read(path, taken, fresh=fresh)


class FailingFolder(Folder):
    """Where a disk fails one file cannot be read, and its times are what they were."""

    def read(
        self, path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ) -> FileState:
        if path == "03.md":
            why = says.FILE_UNREADABLE(cause="Input/output error")
            return Unknown(key=key_of(path), why=why)
        return super().read(path, taken, fresh=fresh)


class BlankFolder(Folder):
    """One file became as many blanks, and its times are what they were."""

    def read(
        self, path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ) -> FileState:
        if path == "03.md":
            return Skipped(key=key_of(path), why=says.EMPTY())
        return super().read(path, taken, fresh=fresh)


def counting(on: Stage) -> CountedFolder:
    on.source.__class__ = CountedFolder
    assert isinstance(on.source, CountedFolder)
    on.source.reads = []
    return on.source


def altered() -> Stage:
    """Two files in sync, of which one holds other bytes behind the same stat."""
    on = unmarked()
    on.synced("a.md", b"rate 100")
    on.synced("b.md", b"as it was")
    on.source.alter("a.md", b"rate 120")
    return on


# -- by command


async def test_a_comparison_of_contents_finds_what_times_hide() -> None:
    on = altered()
    engine = engine_of(on)
    assert (await engine.plan(listing=False)).plan.actions == ()
    planned = await engine.plan(listing=False, checksum=True)
    [action] = planned.plan.actions
    assert isinstance(action, Update)
    assert (action.key, planned.plan.unchanged) == (A, 1)
    await engine.apply(planned, observe=on.events.append)
    assert on.server.by_name("a.md")[0].content == b"rate 120"
    assert not (await engine.plan(listing=False, checksum=True)).plan.changes


async def test_what_was_found_once_is_not_forgotten() -> None:
    """Whoever plans next need not compare contents: the stat is doubted from then on."""
    on = altered()
    await engine_of(on).plan(listing=False, checksum=True)
    entry = on.ledger.held[A]
    assert entry.stat is not None
    assert entry.stat.ctime_ns == NO_CTIME
    [action] = (await engine_of(on).plan(listing=False)).plan.actions
    assert isinstance(action, Update)


async def test_two_writes_within_a_tick_of_a_coarse_clock_are_two() -> None:
    on, wall = unmarked(), [100.0]
    on.source.__class__ = DatedFolder
    assert isinstance(on.source, DatedFolder)
    on.source.amid, on.source.amid_hash = {}, {}
    on.source.coarse, on.source._wall = True, lambda: wall[0]
    on.source.write("a.md", b"first ")
    for _ in range(2):
        engine = engine_of(on)
        await engine.apply(await engine.plan(listing=False), observe=on.events.append)
    assert on.server.by_name("a.md")[0].content == b"first "
    wall[0] = 101.0
    before = on.source.files["a.md"].stat
    on.source.edit("a.md", b"second")
    assert on.source.files["a.md"].stat == before
    wall[0] = 3600.0
    await engine.apply(await engine.plan(listing=False), observe=on.events.append)
    assert on.server.by_name("a.md")[0].content == b"second"
    source = counting(on)
    for _ in range(3):
        assert (await engine.plan(listing=False)).plan.actions == ()
    assert source.reads == []


async def test_a_touched_file_costs_one_reading_and_nothing_is_sent() -> None:
    on = unmarked()
    on.synced("a.md", b"as it was")
    source = counting(on)
    source.edit("a.md", b"as it was")
    for _ in range(3):
        planned = await engine_of(on).plan(listing=False)
        assert (planned.plan.actions, planned.plan.unchanged) == ((), 1)
    assert source.reads == ["a.md"]


async def test_an_entry_of_an_older_ledger_is_read_once_and_nothing_is_sent() -> None:
    on = unmarked()
    entry = on.synced("a.md", b"as it was")
    assert entry.stat is not None
    on.ledger.restat([(A, entry.stat.doubted)])
    source = counting(on)
    for _ in range(3):
        assert (await engine_of(on).plan(listing=False)).plan.actions == ()
    assert source.reads == ["a.md"]
    assert on.ledger.held[A].stat == entry.stat


async def test_a_refused_file_that_was_only_touched_is_read_once() -> None:
    on = unmarked()
    refused = Rejection(
        key=A, fingerprint=fingerprint_of(b"refused"), reason=("KB-R1", "no"), at=0.0
    )
    on.source.write("a.md", b"refused")
    on.ledger.rejections[A] = refused
    source = counting(on)
    for _ in range(3):
        [action] = (await engine_of(on).plan(listing=False)).plan.actions
        assert isinstance(action, Hold)
    assert source.reads == ["a.md"]


async def test_an_explanation_reads_the_file() -> None:
    case, action = await engine_of(altered()).explain("a.md")
    assert isinstance(action, Update)
    assert case.local.content == fingerprint_of(b"rate 120").content  # type: ignore[union-attr]


# -- a saved plan


async def test_what_was_promised_is_read_again_before_it_is_sent() -> None:
    on = unmarked()
    on.source.write("a.md", b"promised")
    on.world.promised[A] = fingerprint_of(b"promised").content  # type: ignore[index]
    on.source.alter("a.md", b"smuggled")
    case = await EvidenceCollector(context=on.world).case(A)
    [planned] = (await engine_of(on).plan(listing=False)).plan.actions
    assert isinstance(planned, Create)
    step = await create(on.world, case, planned)
    assert isinstance(step, Stopped)
    assert step.why.message is guard_say.NOT_AS_PLANNED
    assert on.server.count("create") == 0
    on.source.alter("a.md", b"promised")
    await create(on.world, case, planned)
    assert on.server.by_name("a.md")[0].content == b"promised"


# -- the daemon


async def test_a_file_that_was_reported_is_read_whatever_its_stat() -> None:
    on = filled()
    async with controlled(on) as it:
        on.source.alter("01.md", b"PAGE 1")
        it.changes.report("01.md")
        await anyio.sleep(SETTLE + 1)
        assert [call for call, _ in it.writes()] == ["update"]
        assert it.exact()


async def test_a_reported_file_is_read_though_everything_is_compared_too() -> None:
    on = filled()
    async with controlled(on) as it:
        on.source.alter("01.md", b"PAGE 1")
        it.changes.report("01.md")
        await anyio.sleep(SETTLE / 2)
        it.changes.report(folders=[""])
        await anyio.sleep(60)
        assert it.exact()


async def test_names_of_one_file_share_its_change() -> None:
    on = filled()
    on.source.link("01.md", "sub/also.md")
    async with controlled(on) as it:
        assert it.exact()
        on.source.edit("01.md", b"written through one name")
        it.changes.report("01.md")
        await anyio.sleep(SETTLE + 10)
        assert it.exact()
        on.source.alter("01.md", b"written through ONE name")
        it.changes.report("sub/also.md")
        await anyio.sleep(SETTLE + 10)
        assert it.exact()


async def test_a_file_that_became_a_link_is_what_the_link_makes_it() -> None:
    on = filled()
    async with controlled(on) as it:
        on.source.states["01.md"] = Skipped(key=key_of("01.md"), why=says.LINK_NOT_FOLLOWED())
        it.changes.report("01.md")
        await anyio.sleep(SETTLE + 1)
        assert it.writes() == []


# -- the rolling re-hash


async def test_all_files_are_read_once_in_a_period_and_evenly() -> None:
    on = filled(50)
    on.declare(rehash=DAY, local_resync=3600.0, remote_resync=7200.0)
    source = counting(on)
    async with controlled(on):
        source.reads.clear()
        await anyio.sleep(DAY / 2)
        assert 20 <= len(source.reads) <= 30
        await anyio.sleep(DAY / 2 + 600)
        assert set(source.reads) == set(source.files)
        assert len(source.reads) <= 55


async def test_what_times_hide_is_sent_within_the_period() -> None:
    on = filled(50)
    on.declare(rehash=DAY)
    async with controlled(on) as it:
        on.source.alter("37.md", b"PAGE 37")
        await anyio.sleep(DAY + 600)
        assert it.exact()
        assert [call for call, _ in it.writes()] == ["update"]


@pytest.mark.parametrize("folder", [FailingFolder, BlankFolder])
async def test_what_cannot_be_read_or_sent_any_more_is_said(folder: type[Folder]) -> None:
    on = filled(5)
    on.declare(rehash=DAY)
    async with controlled(on) as it:
        on.source.__class__ = folder
        await anyio.sleep(DAY + 600)
        assert list(it.controller.unmet) == [key_of("03.md")]
        assert it.controller.status.stale == 1
        on.source.__class__ = Folder
        await anyio.sleep(2 * 3600)
        assert not it.controller.unmet
        assert it.controller.status.stale == 0
        assert not it.writes()


async def test_it_goes_on_over_a_restart_where_it_was() -> None:
    on = filled(50)
    on.declare(rehash=DAY)
    async with controlled(on):
        await anyio.sleep(DAY * 0.7)
    at = on.ledger.rehashes[MIRROR]
    assert at.after > "25.md"
    source = counting(on)
    async with controlled(on):
        source.reads.clear()
        await anyio.sleep(DAY * 0.3 + 1200)
        assert "25.md" not in source.reads[:20]
        assert "49.md" in source.reads


async def test_time_that_was_lost_is_made_up_for_within_the_share_of_a_core() -> None:
    on = filled(50)
    on.declare(rehash=DAY)
    on.ledger.rehashes[MIRROR] = Rehash(after="", since=on.clock.now() - 10 * DAY)
    source = counting(on)

    def cpu() -> float:
        return 0.15 * len(source.reads)

    rolling = RollingRehash(engine_of(on), cpu=cpu)
    began = on.clock.now()
    while len(source.reads) < 50:
        await anyio.sleep(max(0.0, rolling.due - on.clock.now()))
        await rolling.go_on()
    assert cpu() <= SHARE * (on.clock.now() - began) + 1.0
    assert on.clock.now() - began < 600


async def test_it_can_be_switched_off_and_rests_while_nothing_is_written() -> None:
    on = filled(5)
    on.declare(rehash=0.0)
    assert RollingRehash(engine_of(on)).due == float("inf")
    on = counted(filled(5))
    on.declare(rehash=DAY, local_resync=DAY, remote_resync=DAY)
    source = counting(on)
    async with controlled(on, begin=False) as it:
        it.controller.read_only = True
        it.group.start_soon(it.controller.run)
        await anyio.sleep(DAY / 2)
        assert source.reads == []


async def test_a_file_whose_stat_is_not_believed_anyway_is_left_to_the_next_comparison() -> None:
    on = filled(1)
    on.declare(rehash=DAY)
    on.ledger.held[key_of("gone.md")] = on.ledger.held[key_of("00.md")]
    on.source.edit("00.md", b"seen by its time")
    source = counting(on)
    assert await RollingRehash(engine_of(on)).go_on() == []
    assert source.reads == []


async def test_another_encoding_in_the_configuration_reads_what_it_may_change_and_no_more() -> None:
    on = unmarked()
    for path, taken in [("a.md", "gbk (gbk)"), ("b.md", "gbk (gbk)"), ("c.md", None)]:
        on.synced(path, path.encode())
        on.ledger.held[key_of(path)] = replace(on.ledger.held[key_of(path)], encoding=taken)
    on.source.alter("b.md", b"B.MD")  # what is sent now, of a file that did not change
    source, engine = counting(on), engine_of(on)
    planned = await engine.plan()
    assert [action.key for action in planned.plan.actions] == [key_of("b.md")]
    assert isinstance(planned.plan.actions[0], Update)
    assert planned.plan.unchanged == 2
    assert source.reads == ["a.md", "b.md"]
    await engine.plan()
    assert source.reads == ["a.md", "b.md", "b.md"]


async def test_what_was_promised_is_read_as_it_was_sent() -> None:
    """Where a text may be read in two ways, what it was sent as decides in each reading."""
    on = unmarked()
    on.synced("a.md", b"old", encoding="cp932")
    on.source.write("a.md", b"promised")
    asked: list[str | None] = []
    read = on.source.read

    def heard(
        path: str, taken: str | None = None, *, fresh: bool = False, known: object = None
    ) -> FileState:
        asked.append(taken)
        return read(path, taken, fresh=fresh)

    on.source.read = heard  # type: ignore[method-assign]
    on.world.promised[A] = fingerprint_of(b"promised").content  # type: ignore[index]
    check = ContentCheck(on.world.mirror.name, on.source, on.ledger, on.world.mirror.document_rules)
    [planned] = (await engine_of(on).plan(listing=False)).plan.actions
    assert await hashes_to_send(check, [planned]) == {A: fingerprint_of(b"promised").content}
    assert await broken_promise(on.world, A) is None
    assert set(asked) == {"cp932"}


async def test_what_was_refused_behind_the_stat_of_what_is_there_is_not_sent_again() -> None:
    """New settings sent a content that nothing had told of, and the server refused it."""
    on = altered()
    on.world = replace(
        on.world, mirror=replace(on.world.mirror, document_rules=one_rule("settings-2"))
    )
    engine = engine_of(on)
    on.server.model.refused.add(b"rate 120")
    await engine.apply(await engine.plan(listing=False), observe=on.events.append)
    assert on.ledger.rejections[A].stat == on.ledger.held[A].stat
    sent = on.server.count("create") + on.server.count("update")
    [action] = (await engine_of(on).plan(listing=False)).plan.actions
    assert isinstance(action, Hold)
    assert action.why.code == "KB-E007"
    await engine_of(on).apply(await engine_of(on).plan(listing=False), observe=on.events.append)
    assert on.server.count("create") + on.server.count("update") == sent


async def test_a_comparison_of_contents_reads_what_was_refused_too() -> None:
    on = unmarked()
    on.synced("a.md", b"rate 100")
    on.source.write("a.md", b"rate 110")
    on.server.model.refused.add(b"rate 110")
    engine = engine_of(on)
    await engine.apply(await engine.plan(listing=False), observe=on.events.append)
    on.source.alter("a.md", b"rate 120")
    [action] = (await engine_of(on).plan(listing=False)).plan.actions
    assert isinstance(action, Hold)
    engine = engine_of(on)
    await engine.apply(await engine.plan(listing=False, checksum=True), observe=on.events.append)
    assert on.server.by_name("a.md")[0].content == b"rate 120"


async def test_what_was_refused_when_its_document_was_gone_is_read_behind_the_same_stat() -> None:
    on = unmarked()
    entry = on.synced("a.md", b"rate 100")
    del on.server.documents[entry.document_id]
    on.server.model.refused.add(b"rate 100")
    engine = engine_of(on)
    await engine.apply(await engine.plan(), observe=on.events.append)
    assert on.ledger.rejections[A].stat == on.ledger.held[A].stat
    on.source.alter("a.md", b"rate 120")
    await engine.apply(await engine.plan(checksum=True), observe=on.events.append)
    assert on.server.by_name("a.md")[0].content == b"rate 120"
