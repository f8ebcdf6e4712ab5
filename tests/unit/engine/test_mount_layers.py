"""Drawn histories of a folder that has files on a mount, and others beneath it.

What stands on the one while the other hides it is not gone: its document stays, unless a person
releases it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from unittest import mock

import pytest

from kbsync.engine.ports import Seen
from kbsync.engine.reconciler import Reconciler
from kbsync.model import FileState, Halted, Outcome, Present
from tests.model.folder import File, Folder

from .fakes import Stage, stage

pytestmark = pytest.mark.anyio
POINT = "disk"
BELOW = [f"{POINT}/{name}.md" for name in "abc"]
BESIDE = [f"{name}.md" for name in "wxyz"]


class _Layers:
    """The two layers of a folder, and on which of them each file was met last."""

    def __init__(self, source: Folder) -> None:
        self._source = source
        self._hidden: dict[str, File] = {}
        self.met: dict[str, bool] = {}
        self._answer = source._answer
        source._answer = self._noting  # type: ignore[method-assign]

    @property
    def mounted(self) -> bool:
        return POINT in self._source.nested

    def toggle(self) -> None:
        """Mount or unmount it: what was to be seen is hidden, and what was hidden appears."""
        below = {path: file for path, file in self._source.files.items() if path in BELOW}
        for path in below:
            del self._source.files[path]
        self._source.files |= self._hidden
        self._hidden = below
        self._source.nested = {} if self.mounted else {POINT: True}

    def hides(self, path: str) -> bool:
        """Whether the file stands where it was met last, and that is the other layer."""
        return self.met.get(path, self.mounted) != self.mounted and path in self._hidden

    def _noting(self, path: str) -> FileState:
        state = self._answer(path)
        if isinstance(state, Present) and path in BELOW:
            self.met[path] = self.mounted
        return state


def _guarded(on: Stage, layers: _Layers) -> list[str]:
    """Return where the documents go that were deleted though their file is only hidden."""
    delete = on.server.delete
    wrong: list[str] = []

    async def deleted(base_id: str, document_id: str) -> Outcome[None]:
        path = next(e.key.path for e in on.ledger.held.values() if e.document_id == document_id)
        if layers.hides(path):
            wrong.append(path)
        return await delete(base_id, document_id)

    on.server.delete = deleted  # type: ignore[method-assign]
    return wrong


def _something(chance: random.Random, source: Folder, layers: _Layers) -> str:
    path = chance.choice([*BELOW, *BELOW, *BESIDE])
    match chance.choice(["toggle", "write", "write", "delete"]):
        case "toggle":
            layers.toggle()
            return "mounted" if layers.mounted else "unmounted"
        case "write":
            source.write(path, chance.choice([b"one", b"two", path.encode()]))
            return f"{path} written"
    return f"{path} deleted" if source.files.pop(path, None) else "nothing"


async def _passes(chance: random.Random, on: Stage, layers: _Layers) -> str:
    """One pass over everything, now and then with a mount that comes or goes amid the walk."""
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    scan, amid = on.source.scan, chance.random() < 0.2

    def walked(*_: object) -> Iterator[Seen]:
        yield from scan()
        if amid:
            layers.toggle()

    with mock.patch.object(on.source, "scan", walked):
        planned = await engine.plan()
    await engine.apply(planned, observe=on.events.append)
    return f"{'toggled amid a ' if amid else ''}pass: {planned.guard}"[:200]


async def _released(on: Stage) -> str:
    engine = Reconciler(on.world.mirror, on.ledger, on.server, on.clock)
    planned = await engine.plan()
    read = planned.guard.members if isinstance(planned.guard, Halted) else frozenset()
    await engine.apply(planned, observe=on.events.append, read=read)
    return "released"


@pytest.mark.parametrize("seed", range(40))
async def test_what_a_mount_hides_or_took_along_stays(seed: int) -> None:
    chance, on = random.Random(seed), stage(settle=0.0)
    layers = _Layers(on.source)
    wrong = _guarded(on, layers)
    story = []
    for path in BESIDE:
        on.synced(path, path.encode())
    for _ in range(60):
        if chance.random() < 0.5:
            story.append(_something(chance, on.source, layers))
        elif chance.random() < 0.95:
            story.append(await _passes(chance, on, layers))
        else:
            story.append(await _released(on))
            wrong.clear()
        assert not wrong, "\n".join([*story, f"deleted: {wrong}"])
