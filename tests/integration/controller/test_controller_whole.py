"""A controller on a real folder, a real ledger and the embedded knowledge base, in real time."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from counted_reads import CountedReads
from engine.controlled import HandFed

from kbsync.app.build import opened, settings_of
from kbsync.engine.control.controller import Controller, Phase
from kbsync.engine.execute.results import Event
from kbsync.engine.reconciler import Reconciler
from kbsync.model import Done, RemoteDocument

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]
PATIENCE = 60.0
WRITES = ("create", "update", "delete")
CONFIG = """
version: 1
server: {url: embedded}
ledger: ./state/ledger.db
mirrors:
  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 300ms, delete_grace: 1s}
"""


@dataclass
class Whole:
    """A controller at work."""

    docs: Path
    engine: Reconciler
    controller: Controller
    changes: HandFed
    events: list[Event]
    calls: Counter[str]

    def save(self, path: str, text: str) -> None:
        place = self.docs / path
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
        self.report(path)

    def report(self, *paths: str) -> None:
        """Report from another thread, as a watch does."""
        reporter = threading.Thread(target=self.changes.report, args=paths)
        reporter.start()
        reporter.join()

    async def until(self, met: Callable[[], Awaitable[bool]]) -> None:
        with anyio.fail_after(PATIENCE):
            while not await met():  # noqa: ASYNC110 - a server has no event for it
                await anyio.sleep(0.05)

    async def at_rest(self) -> bool:
        state = self.controller.status
        return self.changes.taken and state.phase is Phase.WATCHING and not state.pending

    async def exact(self) -> bool:
        """Whether the base holds, available, what the folder holds, file by file."""
        files = {p.relative_to(self.docs).as_posix(): p for p in self.docs.rglob("*.md")}
        wanted = {
            self.engine.mirror.document_name(path): p.stat().st_size for path, p in files.items()
        }
        found = {each.name: each.size for each in await self.documents() if each.word_count}
        return found == wanted

    async def documents(self) -> tuple[RemoteDocument, ...]:
        world = await self.engine.find_context()
        page = await world.remote.page(world.base_id or "", 1)
        assert isinstance(page, Done)
        self.calls["page"] -= 1  # it was the test that asked
        return page.value.documents


@asynccontextmanager
async def whole(folder: Path) -> AsyncIterator[Whole]:
    (folder / "kbsync.yaml").write_text(CONFIG)
    docs = folder / "docs"
    docs.mkdir()
    (docs / "first.md").write_text("there before anybody watched")
    events: list[Event] = []
    async with opened(settings_of(folder / "kbsync.yaml")) as open_:
        [engine] = open_.engines
        changes = HandFed()
        controller = Controller(engine, changes, observe=events.append)
        async with anyio.create_task_group() as group:
            group.start_soon(controller.run)
            it = Whole(docs, engine, controller, changes, events, _counted(engine))
            await it.until(it.at_rest)
            yield it
            controller.stop()


def _counted(engine: Reconciler) -> Counter[str]:
    """Count the calls that go out to the server, behind the throttle."""
    calls: Counter[str] = Counter()
    remote = engine._remote._remote  # type: ignore[attr-defined]
    for name in (*WRITES, "page"):
        setattr(remote, name, _counting(getattr(remote, name), name, calls))
    return calls


def _counting(call: Callable[..., Any], name: str, calls: Counter[str]) -> Callable[..., Any]:
    async def counted(*words: Any, **more: Any) -> Any:
        calls[name] += not (name == "page" and more.get("status"))
        return await call(*words, **more)

    return counted


async def test_a_day_in_the_life_of_a_folder(tmp_path: Path) -> None:
    async with whole(tmp_path) as it:
        await it.until(it.exact)
        assert it.calls["create"] == 1
        pages = it.calls["page"]

        it.save("guides/install.md", "how to install it")
        it.save("guides/remove.md", "how to get rid of it")
        await it.until(it.at_rest)
        assert await it.exact()
        assert it.calls["create"] == 3

        it.save("first.md", "edited")
        await it.until(it.at_rest)
        assert await it.exact()
        assert it.calls["update"] == 1

        kept_id = {each.name: each.id for each in await it.documents()}
        (it.docs / "guides/install.md").rename(it.docs / "guides/setup.md")
        it.report("guides/install.md", "guides/setup.md")
        await it.until(it.at_rest)
        assert {each.id for each in await it.documents()} == set(kept_id.values())
        assert it.calls["create"] == 3

        (it.docs / "guides/remove.md").unlink()
        it.report("guides/remove.md")
        await it.until(lambda: _gone(it, 1))
        await it.until(it.at_rest)
        assert len(await it.documents()) == 2
        assert it.calls == Counter(create=3, update=1, delete=1, page=pages)
        assert it.controller.unmet == {}


async def _gone(it: Whole, count: int) -> bool:
    return it.calls["delete"] == count


async def test_a_time_that_was_put_back_hides_nothing(tmp_path: Path) -> None:
    """Neither from the event of one name of a file, nor of its other name."""
    async with whole(tmp_path) as it:
        it.save("one.md", "rate 100")
        (it.docs / "also").mkdir()
        (it.docs / "also/one.md").hardlink_to(it.docs / "one.md")
        it.report("also/one.md")
        await it.until(it.at_rest)
        assert await it.exact()
        times = (it.docs / "one.md").stat()
        (it.docs / "one.md").write_text("rate 120")
        os.utime(it.docs / "one.md", ns=(times.st_atime_ns, times.st_mtime_ns))
        it.report("one.md")
        await it.until(lambda: _updated(it, 2))
        await it.until(it.at_rest)


async def _updated(it: Whole, count: int) -> bool:
    return it.calls["update"] == count


TEXT = "a line of a text\n" * 10_000


async def test_an_edit_reads_a_text_twice_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once to decide and once to send, however the edit is noticed."""
    async with whole(tmp_path) as it:
        it.save("text.md", TEXT)
        await it.until(it.at_rest)
        assert await it.exact()
        reads = CountedReads(monkeypatch)
        it.save("text.md", f"{TEXT}edited")
        await it.until(it.at_rest)
        assert await it.exact()
        assert reads.whole(it.docs / "text.md") <= 2.1
    async with opened(settings_of(tmp_path / "kbsync.yaml")) as open_:
        [engine] = open_.engines
        (it.docs / "text.md").write_text(f"{TEXT}edited while nothing ran")
        reads = CountedReads(monkeypatch)
        report = await engine.apply(await engine.plan(), observe=it.events.append)
        assert report.done == {"update": 1}
        assert reads.whole(it.docs / "text.md") <= 2.1


async def test_a_verb_borrows_the_engine_and_the_controller_goes_on(tmp_path: Path) -> None:
    async with whole(tmp_path) as it:
        async with it.controller.suspended() as engine:
            (it.docs / "second.md").write_text("saved while a verb had the engine")
            planned = await engine.plan()
            assert planned.plan.counts == {"create": 1}
        await it.until(it.exact)
        it.save("third.md", "saved after it")
        await it.until(it.exact)
        assert it.calls["create"] == 3


async def test_what_was_stopped_in_the_middle_is_finished_next_time(tmp_path: Path) -> None:
    async with whole(tmp_path) as it:
        for n in range(30):
            (it.docs / f"{n}.md").write_text(f"page {n}")
        it.report(*(f"{n}.md" for n in range(30)))
        await it.until(lambda: _sent(it, 5))
    assert it.calls["create"] < 31
    config = tmp_path / "kbsync.yaml"
    async with opened(settings_of(config)) as open_, anyio.create_task_group() as group:
        [engine] = open_.engines
        controller = Controller(engine, HandFed(), observe=it.events.append)
        again = Whole(it.docs, engine, controller, it.changes, it.events, _counted(engine))
        group.start_soon(controller.run)
        await again.until(again.at_rest)
        assert await again.exact()
        assert it.calls["create"] + again.calls["create"] == 31
        controller.stop()


async def _sent(it: Whole, count: int) -> bool:
    return it.calls["create"] >= count
