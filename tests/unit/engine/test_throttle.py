"""The door to a server: bounded in flight, limited in writes, patient in reads."""

from __future__ import annotations

import anyio
import pytest

from kbsync.engine.ports import Chunking
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.engine.workers.throttled_calls import READ_TRIES, ThrottledCalls
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import Done, Gone, NotReady, NotSent, Throttled
from tests.model.folder import File, OpenFile

from .fakes import most_within
from .server import DROPPED, REFUSED, UNSENT, ScriptedRemote
from .words import BASE, WHY, VirtualClock

pytestmark = pytest.mark.anyio
CHUNKING = Chunking(process_rule={})


def _throttled(
    per_minute: int | None = None, in_flight: int = 4
) -> tuple[ThrottledRemote, ScriptedRemote]:
    clock = VirtualClock()
    server = ScriptedRemote(clock)
    limiter = RateLimiter(per_minute)
    return ThrottledRemote(server, limiter=limiter, clock=clock, in_flight=in_flight), server


async def _create(remote: ThrottledRemote, name: str) -> object:
    return await remote.create(BASE, name, OpenFile(File(b"x")), CHUNKING)


@pytest.mark.parametrize("in_flight", [1, 4, 8])
async def test_reads_and_writes_together_never_exceed_the_room(in_flight: int) -> None:
    remote, server = _throttled(in_flight=in_flight)
    async with anyio.create_task_group() as group:
        for number in range(30):
            group.start_soon(_create, remote, f"n{number}")
            group.start_soon(remote.page, BASE, 1)
            group.start_soon(remote.delete, BASE, f"id-{number}")
    assert server.peak == in_flight
    assert len(server.calls) == 90


@pytest.mark.parametrize("per_minute", [1, 7, 60, 240])
async def test_writes_of_many_writers_keep_the_limit(per_minute: int) -> None:
    remote, server = _throttled(per_minute)
    async with anyio.create_task_group() as group:
        for number in range(min(3 * per_minute + 2, 200)):
            group.start_soon(_create, remote, f"n{number}")
    assert most_within(server.times("create"), 60.0) <= per_minute


async def test_what_is_fenced_off_reads_and_writes_nothing_even_after_its_wait() -> None:
    fences: list[Notice | None] = [None]
    clock = VirtualClock()
    server = ScriptedRemote(clock)
    remote = ThrottledRemote(
        server, limiter=RateLimiter(1), clock=clock, in_flight=4, fence=lambda: fences[-1]
    )
    assert isinstance(await _create(remote, "a"), Done)
    async with anyio.create_task_group() as group:
        group.start_soon(_create, remote, "waits for its permit")
        await anyio.sleep(30)
        fences.append(WHY)
    assert await _create(remote, "later") == NotSent(WHY)
    assert isinstance(await remote.page(BASE, 1), Done)
    assert server.count("create") == 1


async def test_reads_need_no_permit() -> None:
    remote, server = _throttled(1)
    start = anyio.current_time()
    for _ in range(20):
        assert isinstance(await remote.named(BASE, "n"), Done)
    assert anyio.current_time() - start == pytest.approx(20 * server.latency)


async def test_downloads_are_counted_and_repeated() -> None:
    remote, server = _throttled(10)
    stored = server.put("a.md", b"a")
    server.faults["original"].extend([UNSENT, NotReady(WHY, 1.0), Throttled(60.0)])

    async def download() -> None:
        outcome = await remote.original(BASE, stored.id, largest=10)
        assert isinstance(outcome, Done)
        assert outcome.value.whole

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(download)
            group.start_soon(_create, remote, f"n{number}")
    times = sorted(server.times("original") + server.times("create"))
    assert len(times) == 43
    assert most_within(times, 60.0) <= 10


async def test_throttling_rests_every_writer_for_the_window() -> None:
    remote, server = _throttled()
    server.faults["create"].append(Throttled(60.0))
    assert await _create(remote, "first") == Throttled(60.0)
    answered = server.clock.now()
    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(_create, remote, f"n{number}")
        group.start_soon(remote.delete, BASE, "id-1")
    writes = [at for at, call, _ in server.calls[1:] if call in ("create", "delete")]
    assert len(writes) == 9
    assert min(writes) >= answered + 60.0


async def test_a_writer_already_resting_for_its_permit_respects_a_pause() -> None:
    remote, server = _throttled(10)
    server.faults["create"].extend([None, Throttled(60.0)])
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(_create, remote, f"n{number}")
    answered = server.times("create")[1] + server.latency
    assert all(at >= answered + 60.0 for at in server.times("create")[2:])


@pytest.mark.parametrize("pause", [5.0, 60.0])
async def test_the_limit_holds_when_a_pause_ends_for_many_resting_writers(pause: float) -> None:
    remote, server = _throttled(10, in_flight=8)
    server.faults["create"].extend([None, Throttled(pause)])

    async def writer(name: str) -> None:
        for turn in range(6):
            await _create(remote, f"{name}-{turn}")

    async with anyio.create_task_group() as group:
        for number in range(8):
            group.start_soon(writer, f"w{number}")
    assert server.count("create") == 48
    assert most_within(server.times("create"), 60.0) <= 10


@pytest.mark.parametrize("fault", [UNSENT, NotReady(WHY, 1.0), Throttled(3.0)])
async def test_a_read_is_repeated_with_patience(fault: object) -> None:
    remote, server = _throttled()
    server.faults["page"].extend([fault] * (READ_TRIES - 1))  # type: ignore[list-item]
    start = anyio.current_time()
    assert isinstance(await remote.page(BASE, 1), Done)
    assert server.count("page") == READ_TRIES
    assert anyio.current_time() - start > server.latency * READ_TRIES


async def test_a_read_gives_up_in_the_end() -> None:
    remote, server = _throttled()
    server.always["page"] = UNSENT
    assert isinstance(await remote.page(BASE, 1), NotSent)
    assert server.count("page") == READ_TRIES


async def test_a_definite_answer_to_a_read_is_not_asked_for_again() -> None:
    remote, server = _throttled()
    assert isinstance(await remote.document(BASE, "nowhere"), Gone)
    server.faults["page"].append(REFUSED)
    assert await remote.page(BASE, 1) == REFUSED
    assert (server.count("document"), server.count("page")) == (1, 1)


async def test_a_cause_that_a_person_has_to_change_is_not_waited_for() -> None:
    remote, server = _throttled()
    expired = NotSent(messages.OUT_OF_DATE(what="list", url="https://h/v1", words="expired"))
    server.always["page"] = expired
    assert await remote.page(BASE, 1) == expired
    assert server.count("page") == 1


@pytest.mark.parametrize("fault", [UNSENT, DROPPED, REFUSED, NotReady(WHY, 1.0), Throttled(1.0)])
async def test_a_write_is_never_repeated_by_the_throttle(fault: object) -> None:
    remote, server = _throttled()
    server.faults["create"].append(fault)  # type: ignore[arg-type]
    assert not isinstance(await _create(remote, "n"), Done)
    assert server.count("create") == 1


async def test_every_call_goes_through_and_only_writes_need_a_permit() -> None:
    remote, server = _throttled(per_minute=1)
    assert remote.capabilities is server.capabilities
    stored = server.put("a.md", b"a")
    server.field_ids = {"one": "field-one"}
    start = anyio.current_time()
    assert isinstance(await remote.base(BASE), Done)
    assert isinstance(await remote.bases_named("Docs"), Done)
    assert isinstance(await remote.page(BASE, 1), Done)
    assert isinstance(await remote.document(BASE, stored.id), Done)
    assert isinstance(await remote.progress(BASE, stored.id, f"batch-{stored.rev}"), Done)
    assert isinstance(await remote.fields(BASE), Done)
    assert anyio.current_time() - start < 60.0

    server.base_there = False
    payload = OpenFile(File(b"b"))
    writes = [
        lambda: remote.make_base("Docs", CHUNKING),
        lambda: remote.update(BASE, stored.id, "a.md", payload, CHUNKING),
        lambda: remote.switch(BASE, stored.id, "disable"),
        lambda: remote.make_field(BASE, "two"),
        lambda: remote.assign(BASE, {}, ()),
        lambda: remote.delete(BASE, stored.id),
    ]
    for number, write in enumerate(writes):
        assert isinstance(await write(), Done)
        assert anyio.current_time() - start >= 60.0 * number


class Slices(RateLimiter):
    """Permits for two seconds each; some waits end without one."""

    def __init__(self, clock: VirtualClock, empty: int = 0) -> None:
        super().__init__()
        self._clock, self.empty = clock, empty
        self.given: list[float] = []

    def reserve(self, now: float) -> float:
        if self.empty:
            self.empty -= 1
            return 1.0
        self.given.append(now)
        self.usable_until = now + 2.0
        return 0.0

    def holds(self, now: float) -> bool:
        return False


async def test_a_permit_that_ran_out_in_front_of_the_room_is_replaced() -> None:
    clock = VirtualClock()
    limiter = Slices(clock)
    calls = ThrottledCalls(limiter=limiter, clock=clock, in_flight=1)
    made: list[float] = []

    async def call() -> Done[None]:
        made.append(clock.now())
        await clock.sleep(5.0)
        return Done(None)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(calls.write, "an answer", call)
    assert [when - made[0] for when in made] == [0.0, 5.0, 10.0]
    assert limiter.given[3:] == made[1:]


async def test_a_wait_that_ends_without_a_permit_goes_on() -> None:
    clock = VirtualClock()
    limiter = Slices(clock, empty=3)
    calls = ThrottledCalls(limiter=limiter, clock=clock, in_flight=1)
    begin = clock.now()

    async def call() -> Done[float]:
        return Done(clock.now())

    outcome = await calls.write("an answer", call)
    assert isinstance(outcome, Done)
    assert outcome.value == begin + 3.0
