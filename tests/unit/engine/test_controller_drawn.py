"""Drawn days in the life of a folder: whatever happens, the base is the folder in the end."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from kbsync.model import NotReady, Throttled

from . import fakes
from .controlled import AWAY, ControlledMirror, controlled, counted, write_now
from .server import DROPPED, LOST, UNSENT, Fault, Late
from .words import WHY

pytestmark = pytest.mark.anyio
ALL = {"least": 10_000, "share": 1.0}
NAMES = [f"{folder}{n}.md" for folder in ("", "a/", "b/c/") for n in range(6)]
FAULTS: list[Fault] = [UNSENT, LOST, DROPPED, Late(7.0), NotReady(WHY, 20.0), Throttled(30.0)]
STEPS = 60
LONG = 3 * 3600.0


class Day:
    """One drawn day. Most changes are reported; some are missed, as watches do."""

    def __init__(self, it: ControlledMirror, draw: random.Random) -> None:
        self._it = it
        self._draw = draw
        self._texts = 0

    async def step(self) -> None:
        acts: list[Callable[[], Awaitable[None] | None]] = [
            *[self.save] * 8,
            *[self.remove] * 3,
            *[self.rename] * 3,
            *[self.fault] * 3,
            self.swap,
            self.copy,
            self.compare,
            self.lend,
            self.pause,
            self.outage,
            self.folder,
            self.drift,
        ]
        done = self._draw.choice(acts)()
        if done is not None:
            await done
        await anyio.sleep(self._draw.choice([0.0, 0.3, 1.0, 4.0, 40.0]))

    def _tell(self, *paths: str) -> None:
        if self._draw.random() < 0.9:
            self._it.changes.report(*paths)

    def _there(self) -> list[str]:
        return sorted(self._it.on.source.files)

    def save(self) -> None:
        self._texts += 1
        path = self._draw.choice(NAMES)
        write_now(self._it.on.source, path, b"text %d" % (self._texts % 20) + b"." * self._texts)
        self._tell(path)

    def remove(self) -> None:
        if len(self._there()) > 2:
            path = self._draw.choice(self._there())
            self._it.on.source.remove(path)
            self._tell(path)

    def rename(self) -> None:
        files = self._it.on.source.files
        if files:
            old, new = self._draw.choice(self._there()), self._draw.choice(NAMES)
            files[new] = files.pop(old)
            self._tell(old, new)

    def swap(self) -> None:
        files = self._it.on.source.files
        if len(files) > 1:
            one, other = self._draw.sample(self._there(), 2)
            files[one], files[other] = files[other], files[one]
            self._tell(one, other)

    def copy(self) -> None:
        files = self._it.on.source.files
        if files:
            new = self._draw.choice(NAMES)
            write_now(self._it.on.source, new, files[self._draw.choice(self._there())].content)
            self._tell(new)

    def fault(self) -> None:
        call = self._draw.choice(["create", "update", "delete", "assign"])
        fault = self._draw.choice(FAULTS)
        if not isinstance(fault, Late) or call == "create":
            self._it.on.server.faults[call].append(fault)

    def compare(self) -> None:
        self._it.controller.nudge(listing=self._draw.random() < 0.5)

    def folder(self) -> None:
        self._it.changes.report(folders=["a"])

    def drift(self) -> None:
        for stored in list(self._it.on.server.documents.values())[:1]:
            stored.edits += 1

    async def lend(self) -> None:
        async with self._it.controller.suspended():
            self.save()
            await anyio.sleep(self._draw.choice([0.0, 5.0]))

    async def pause(self) -> None:
        self._it.controller.paused = True
        await anyio.sleep(self._draw.choice([0.0, 0.2, 20.0]))
        self._it.controller.paused = False

    async def outage(self) -> None:
        calls = ("base", "page", "named", "document", "fields", "create", "update", "delete")
        for call in calls:
            self._it.on.server.always[call] = AWAY
        await anyio.sleep(self._draw.choice([1.0, 90.0]))
        self._it.on.server.always.clear()


@pytest.mark.parametrize("seed", range(24))
async def test_whatever_happens_the_base_is_the_folder_in_the_end(seed: int) -> None:
    draw = random.Random(seed)
    free = {"removals": ALL, "reembeddings": ALL}
    on = counted(fakes.stage(max_indexing=3, guard=free, ambiguity_window=60.0))
    on.server.indexing = draw.choice([0.5, 5.0, 40.0])
    async with controlled(on) as it:
        day = Day(it, draw)
        for _ in range(STEPS):
            await day.step()
        on.server.faults.clear()
        await anyio.sleep(LONG)
        assert _found(it) == on.source.contents()
        assert len(on.server.documents) == len(on.source.files)
        assert set(on.states().values()) <= {"synced"}
        assert on.server.overlaps == []
        assert on.ledger.intents == {}
        assert dict(it.controller.unmet) == {}
        session = it.controller._session
        assert session is not None
        assert session.pool is None or session.pool.remembered == set()


def _found(it: ControlledMirror) -> dict[str, bytes]:
    held = it.on.ledger.held.items()
    return {key.path: it.on.server.documents[entry.document_id].content for key, entry in held}
