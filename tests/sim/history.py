"""One history: a program played against the real engine, and what has to be true of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import anyio
import anyio.from_thread
import anyio.to_thread
import trio
from trio._core import _run as trio_run
from trio.testing import MockClock

from kbsync.config import MirrorConfig, ServerConfig
from kbsync.engine.context import Mirror
from kbsync.engine.execute.results import Event
from kbsync.ledger.clock import LedgerClock
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice
from kbsync.model import DocKey
from kbsync.planning.document_names import path_of
from tests.declared import one_rule
from tests.model.dated_folder import DatedFolder
from tests.model.knowledge_base import Capabilities, Capability, KnowledgeBase
from tests.model.stored_document import EMPTY, FAILS, FINE, NEVER, Document

from . import quiescence, rules, runs, trials
from .daemon import live
from .declared_values import profile_of
from .disk import Disk
from .process import Job, Process, apply
from .program import Program, Step
from .watcher import Watcher, marked_key
from .watching import Watch
from .weather import Crash, Weather

EPOCH = 1_000_000.0
REMOVALS, REEMBEDDINGS = 3, 5
NEXT_TO_NOTHING = 1e-9
FORGETTING = 500.0
END_OF_TIME = 1e9
WINDOW = 240.0
PATIENCE = 300.0
REHASH = 3600.0


class Broken(AssertionError):  # noqa: N818 - a history is broken, not an error
    """A history that broke a promise; `history` is what was played."""

    def __init__(self, why: str, history: History) -> None:
        super().__init__(why)
        self.history = history


class History:
    """Everything that is in one history, and what the rules may do to it."""

    def __init__(self, program: Program, place: Path, empty: Path) -> None:
        self.program = program
        self.trace: list[str] = []
        self.met: Counter[str] = Counter()
        self.watcher = Watcher(self)
        self.trash = self.watcher.trash
        self.wall_ahead = self.furthest_ahead = 0.0
        self.forgot_at = float("-inf")
        self.forgot = False
        self.prunes_excluded = False
        self.settings = "settings-1"
        self.values: dict[str, object] = {}
        self.front_matter: tuple[str, ...] = ()
        self.enabled: bool | None = None
        self.declared: dict[str, object] = {}
        self.fine = False
        self.meddled = False
        self.processes: list[Process] = []
        self.watches: list[Watch] = []
        self.unmet: dict[str, Mapping[DocKey, Notice] | None] = {}
        self.rested_at = 0.0  # ledger time when a daemon was judged
        self.made_by_hand = 0
        self.tampered: Counter[str] = Counter()
        self.unmarked: set[str] = set()
        self.mistaken: set[str] = set()
        self.reported: set[str] = set()
        self.agreed: Counter[str] = Counter()  # passes under way that were released
        self.agreed_once: set[str] = set()
        chance = random.Random(f"world {program.world}")
        self.chance = chance
        self.server = KnowledgeBase(_able(chance), self.time, self._indexing, self.watcher)
        self.server.counts_lost_words = True
        self.own = Disk(place / "ledger.db", empty)
        self.rival = Disk(place / "rival.db", empty)
        self.rival_ran = self.rivalry = self.taken_over = False
        self.clock: LedgerClock | None = None
        self.mirrors = ("docs", "wiki") if chance.random() < 0.2 else ("docs",)
        self.folders = {name: DatedFolder(name, self.wall) for name in self.mirrors}
        for folder in self.folders.values():
            folder.changed = self._wrote_amid
        self.swap = chance.random() < 0.15
        self.on_delete, self.trash_for = "delete", None
        self.empties = False
        self.cuts = False
        self.per_minute = 30 if chance.random() < 0.1 else None
        self.most = chance.choice([1, 3, 20])
        self.jumped_at = float("-inf")
        self.rests_in_daemon = chance.random() < 0.3
        self.on_event: Callable[[Event], None] = lambda event: None
        self.word = random.Random(f"word {program.world}")
        self.taken_up: list[rules.Rule] = []
        self.hidden = False
        self.one_at_a_time = False
        self.passes = 0
        self.refused_since: trials.Refused | None = None
        self.rules: Mapping[str, rules.Rule] = runs.RULES

    # -- time ------------------------------------------------------------------------------------

    def time(self) -> float:
        """Seconds as they really pass."""
        return trio.current_time()

    def wall(self) -> float:
        """What the machine's clock says."""
        return EPOCH + self.time() + self.wall_ahead

    def ledger_time(self) -> float:
        return self.wall() if self.clock is None else self.clock.now()

    # -- what is known ---------------------------------------------------------------------------

    @property
    def store(self) -> LedgerStore:
        return self.own.store

    @property
    def forgot_lately(self) -> bool:
        return self.rivalry or self.time() - self.forgot_at < FORGETTING

    @property
    def removal_limit(self) -> int:
        return REMOVALS * 2 if self.rivalry else REMOVALS

    @property
    def busy(self) -> bool:
        """Whether kbsync may be in the middle of something at the server."""
        return self.server.late > 0 or any(each.busy() for each in self.processes)

    @property
    def emptying(self) -> bool:
        """Whether a process under way was begun to empty the trash."""
        return any(each.empties for each in self.processes)

    @property
    def unproved(self) -> bool:
        """Whether documents are in sync that this ledger did not send, or another one writes."""
        return self.forgot or self.rival_ran or self.met["adopted"] > 0

    @property
    def base_was_deleted(self) -> bool:
        return self.server.base_id is None or self.server.base_was_made > 1

    def pending(self, name: str) -> bool:
        """Whether a call for a document of this name was not accounted for yet."""
        disks = [self.own, self.rival] if self.rival_ran else [self.own]
        base_id = self.server.base_id or ""
        return any(name in each.store.pending_names(base_id) for each in disks)

    def released(self, mirror: str) -> bool:
        return self.agreed[mirror] > 0

    def prefix(self, mirror: str) -> str:
        return mirror if len(self.mirrors) > 1 else ""

    def holder(self, document: Document) -> DocKey | None:
        return next(iter(self.holders(document)), None)

    def holders(self, document: Document) -> list[DocKey]:
        """Return the keys that the ledgers hold it under; two rival ledgers may differ."""
        disks = [self.own, self.rival] if self.rival_ran else [self.own]
        base_id = self.server.base_id or ""
        found = (each.store.holder(base_id, document.id) for each in disks)
        return [key for key in found if key is not None]

    def key_of(self, document: Document) -> DocKey | None:
        """Return whose document it is, by the ledger, its mark or its name, in this order."""
        held = self.holder(document) or marked_key(document, document.metadata)
        if held is not None:
            return held
        for mirror in self.mirrors:
            path = path_of(document.name, prefix=self.prefix(mirror))
            if path is not None:
                return DocKey(mirror=mirror, path=path)
        return None

    def note(self, what: str) -> None:
        self.trace.append(f"{self.time():.3f} {what}")

    def forget(self) -> None:
        """The ledger knows less than it did: its hour and its calls begin anew."""
        self.forgot, self.forgot_at = True, self.time()
        self.passes += trials.AT_ONCE  # what it knew of the base is gone, too
        for folder in self.folders.values():
            folder.known.clear()
        self.watcher.agreed()

    def taken_in(self) -> None:
        """Documents made by hand were adopted: from now on they are kbsync's own."""
        for document in self.server.documents.values():
            if document.by_hand and self.holder(document) is not None:
                document.by_hand = False
                if document.claimable:  # it was held for another that may still land
                    self.mistaken.add(document.name)

    def noticed(self) -> None:
        """Something happened: the watches over the folders see it, or do not."""
        for watch in self.watches:
            watch.look()

    def _wrote_amid(self) -> None:
        self.meddled = True
        self.noticed()

    def _indexing(self, name: str) -> tuple[float, str]:
        seconds = self.chance.choice([0.3, 2.0, 20.0]) * self.chance.uniform(0.5, 1.5)
        if self.fine:
            return seconds, FINE
        fate = self.chance.choices([FINE, FAILS, EMPTY, NEVER], [90, 6, 3, 1])[0]
        return seconds, fate

    # -- kbsync ----------------------------------------------------------------------------------

    def mirror(self, name: str, *, prune_excluded: bool = False) -> Mirror:
        config = self.config(name)
        strategy = "chunks" if self.cuts else "swap" if self.swap else "in_place"
        self.folders[name].chosen = self.front_matter
        return Mirror(
            config=config,
            server=ServerConfig(url="http://fake/v1", requests_per_minute=self.per_minute),
            source=self.folders[name],
            document_rules=one_rule(
                self.settings,
                config,
                update_strategy=strategy,
                on_delete=self.on_delete,
                trash_for=self.trash_for,
                metadata=self.values,
                front_matter=self.front_matter,
                enabled=self.enabled,
                profile=profile_of(self),
            ),
            prune_excluded=prune_excluded,
            empty_trash=self.empties,
        )

    def config(self, name: str) -> MirrorConfig:
        return MirrorConfig.model_validate(
            {
                "name": name,
                "source": f"/fake/{name}",
                "knowledge_base": {"name": "Docs", **self.declared},
                "prefix": self.prefix(name),
                "chunking": {"language": self.settings},
                "ambiguity_window": WINDOW,
                "max_indexing": None if self.one_at_a_time else self.most,
                "rehash": REHASH,
                "guard": {
                    "removals": {"least": REMOVALS, "share": NEXT_TO_NOTHING},
                    "reembeddings": {"least": REEMBEDDINGS, "share": NEXT_TO_NOTHING},
                },
            }
        )

    async def kbsync(
        self,
        chance: random.Random,
        weather: Weather,
        *,
        releases: bool,
        job: Job = apply,
        disk: Disk | None = None,
    ) -> bool:
        """Run one process of kbsync; false when it ended in between."""
        self.meddled = weather.meddling > 0 or self.rivalry or job is live
        process = Process(self, disk or self.own, chance, weather, releases=releases)
        if not self.processes:
            self.clock = process.clock
        return await process.run(job)

    # -- playing ---------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play all steps, then let everything come to rest.

        Raises:
            Broken: a promise was not kept.
        """
        rules.begin(self)
        for step in self.program.steps:
            await self._step(step)
        await self.settle()
        self.check()

    async def settle(self) -> None:
        """Let everything come to rest, and judge it."""
        await quiescence.settle(self)

    async def _step(self, step: Step) -> None:
        self.note(f"-- {step}")
        chance = step.chance()
        self.server.land()
        rule = self.rules[step.rule]
        self.met[f"step {step.rule}"] += 1
        if rule in trials.ALL and rule not in self.taken_up:
            self.taken_up.append(rule)
        result = rule(self, chance)
        if result is not None:
            await result
        self.check()

    def check(self) -> None:
        if self.watcher.faults:
            self._note_everything()
            raise Broken("\n".join(self.watcher.faults), self)

    def _note_everything(self) -> None:
        """Write what stands where at the end of the trace."""
        self.note(f"{self.server.able} swap={self.swap} {self.on_delete} {self.trash_for}")
        for document in self.server.documents.values():
            self.note(f"{document} {self.server.readiness(document).name}")
        for name, folder in self.folders.items():
            self.note(f"{name}: {folder.files} {folder.locked} {folder.excluded} {folder.mount}")
            for entry in self.store.entries(name):
                self.note(str(entry))


def _able(chance: random.Random) -> Capabilities:
    kinds = ["new", "wedging", "old", "bare", "untold"]
    match chance.choices(kinds, [5, 3, 2, 1, 2])[0]:
        case "wedging":
            return Capabilities(version="1.12.1")
        case "old":
            return Capabilities(version="1.1.3")
        case "bare":
            known = Capabilities(version="0.9.0")
            return known.noting(Capability.MERGE_BY_NAME, able=False)
        case "untold":  # nothing is known of it, and nothing is what it can do
            return Capabilities()
    return Capabilities(version="1.16.1")


@contextmanager
def _alone(seed: str, wall: Callable[[], float]) -> Iterator[None]:
    """Everything that chance and time decide is drawn from `seed`, and nothing runs beside."""

    async def run_sync(work: Any, *words: Any, **_: Any) -> Any:
        return work(*words)

    chance = random.Random(f"uuid {seed}")

    def token() -> str:
        return f"{chance.getrandbits(64):x}"

    kept = random.getstate()
    random.seed(f"jitter {seed}")
    trio_run._r.seed(f"schedule {seed}")
    clock = SimpleNamespace(time=wall)
    try:
        with (
            mock.patch.object(anyio.to_thread, "run_sync", run_sync),
            mock.patch.object(anyio.from_thread, "check_cancelled"),
            mock.patch.object(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch("kbsync.engine.observe.planner.time", clock),
            mock.patch("kbsync.engine.workers.work_left.PATIENCE", PATIENCE),
            mock.patch("kbsync.engine.execute.indexing.STUCK_AFTER", PATIENCE),
            mock.patch("kbsync.engine.observe.knowledge_base.uuid.uuid4", token),
        ):
            yield
    finally:
        random.setstate(kept)


def play(
    program: Program,
    place: Path,
    empty: Path,
    story: Callable[[History], Awaitable[None]] | None = None,
    make: Callable[[Program, Path, Path], History] = History,
) -> History:
    """Play `program`, or a written story in its world, and return the history.

    Args:
        place: an empty folder for ledgers.
        empty: a ledger that has nothing yet.
        make: makes the history.

    Raises:
        Broken: a promise was not kept; the history is its `history`.
    """
    history = make(program, place, empty)

    async def main() -> None:
        with anyio.move_on_after(END_OF_TIME) as scope:
            await (history.play() if story is None else story(history))
        if scope.cancelled_caught:
            history.watcher.fault("endless", "nothing happened any more")
        history.check()

    with _alone(str(program), history.wall):
        try:
            trio.run(main, clock=MockClock(autojump_threshold=0))
        except trio.TrioInternalError as error:  # the loop itself was cut off: it never rests
            raise Broken(f"[spins] {error.__cause__}", history) from error
        finally:
            history.own.close()
            history.rival.close()
    return history


__all__ = ["Broken", "Crash", "History", "play"]
