"""One history: a program played against the real engine, and what has to be true of it."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import anyio
import anyio.to_thread
import trio
from trio._core import _run as trio_run
from trio.testing import MockClock

from kbsync.engine.drive import Drive
from kbsync.engine.engine import Engine, Planned
from kbsync.engine.gate import Gate
from kbsync.engine.limiter import Limiter
from kbsync.engine.mirror import Mirror
from kbsync.engine.ports import Chunking
from kbsync.engine.report import Event
from kbsync.ledger.clock import LedgerClock
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Problem
from kbsync.model import Capabilities, DocKey, Halted
from kbsync.naming import path_of
from kbsync.planning.guard import Limit, Limits

from . import quiescence, rules
from .disk import Disk
from .folder import Folder
from .line import Line
from .program import Program, Step
from .server import EMPTY, FAILS, FINE, NEVER, Document, Server
from .watcher import Watcher, marked_key
from .weather import Crash, Weather

EPOCH = 1_000_000.0
REMOVALS, REEMBEDDINGS = 3, 5
TOO_LONG = 40 * 3600.0
FORGETTING = 500.0
WINDOW = 240.0
PATIENCE = 300.0


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
        self.wall_ahead = 0.0
        self.forgot_at = float("-inf")
        self.forgot = False
        self.prunes_excluded = False
        self.settings = "settings-1"
        self.fine = False
        self.in_pass = self.meddled = False
        self.made_by_hand = 0
        self.tampered: Counter[str] = Counter()
        self.unmarked: set[str] = set()
        self.mistaken: set[str] = set()
        self.came_out_empty: set[str] = set()
        self._agreed: set[str] = set()
        chance = random.Random(f"world {program.world}")
        self.chance = chance
        self.server = Server(_able(chance), self.time, self._indexing, self.watcher)
        self.own = self.disk = Disk(place / "ledger.db", empty)
        self.rival = Disk(place / "rival.db", empty)
        self.rival_ran = self.taken_over = False
        self.clock: LedgerClock | None = None
        self.mirrors = ("docs", "wiki") if chance.random() < 0.2 else ("docs",)
        self.folders = {name: Folder(name, self.wall) for name in self.mirrors}
        self.swap = chance.random() < 0.15
        self.per_minute = 30 if chance.random() < 0.1 else None
        self.most = chance.choice([1, 3, 20])
        self.on_event: Callable[[Event], None] = lambda event: None

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
        return self.disk.store

    @property
    def forgot_lately(self) -> bool:
        return self.time() - self.forgot_at < FORGETTING

    @property
    def removal_limit(self) -> int:
        return REMOVALS

    @property
    def base_was_deleted(self) -> bool:
        return self.server.base_id is None or self.server.base_was_made > 1

    def pending(self, name: str) -> bool:
        """Whether a call for a document of this name was not accounted for yet."""
        disks = [self.own, self.rival] if self.rival_ran else [self.own]
        base_id = self.server.base_id or ""
        return any(name in each.store.pending_names(base_id) for each in disks)

    def released(self, mirror: str) -> bool:
        return mirror in self._agreed

    def prefix(self, mirror: str) -> str:
        return mirror if len(self.mirrors) > 1 else ""

    def holder(self, document: Document) -> DocKey | None:
        base_id = self.server.base_id or ""
        held = self.store.holder(base_id, document.id)
        if held is None and self.rival_ran:
            other = self.rival if self.disk is self.own else self.own
            held = other.store.holder(base_id, document.id)
        return held

    def key_of(self, document: Document) -> DocKey | None:
        """Whose document it is: the ledger, its mark, its name tell, in this order."""
        held = self.holder(document) or marked_key(document, document.metadata)
        if held is not None:
            return held
        for mirror in self.mirrors:
            path = path_of(document.name, prefix=self.prefix(mirror))
            if path is not None:
                return DocKey(mirror=mirror, path=path)
        return None

    def tell(self, what: str) -> None:
        self.trace.append(f"{self.time():.3f} {what}")

    def forget(self) -> None:
        """The ledger knows less than it did: its hour and its calls begin anew."""
        self.forgot, self.forgot_at = True, self.time()
        self.watcher.agreed()

    def _indexing(self, name: str) -> tuple[float, str]:
        seconds = self.chance.choice([0.3, 2.0, 20.0]) * self.chance.uniform(0.5, 1.5)
        if self.fine:
            return seconds, FINE
        fate = self.chance.choices([FINE, FAILS, EMPTY, NEVER], [90, 6, 3, 1])[0]
        self.came_out_empty |= {name} if fate == EMPTY else set()
        return seconds, fate

    # -- kbsync ----------------------------------------------------------------------------------

    def mirror(self, name: str) -> Mirror:
        return Mirror(
            name=name,
            source=self.folders[name],
            server="http://fake/v1",
            place=f"/fake/{name}",
            chunking=Chunking(process_rule={"mode": self.settings}),
            settings=self.settings,
            base_name="Docs",
            prefix=self.prefix(name),
            window=WINDOW,
            max_indexing=self.most,
            swap=self.swap,
            prune_excluded=self.prunes_excluded,
            requests_per_minute=self.per_minute,
            limits=Limits(
                removals=Limit(least=REMOVALS, share=0.0),
                reembeddings=Limit(least=REEMBEDDINGS, share=0.0),
            ),
        )

    async def kbsync(self, chance: random.Random, weather: Weather, *, releases: bool) -> bool:
        """Run the command once, as `apply` does; false when the process ended in between.

        A daemon is to be run here too, in the place of the passes.
        """
        self.in_pass, self.meddled = True, weather.meddling > 0
        store = self.disk.under(weather)
        try:
            self.clock = LedgerClock(store, wall=self.wall, steady=self.time)
            line = Line(self.server, weather, lambda: rules.meddle(self, chance), self.tell)
            gate = Gate(line, limiter=Limiter(self.per_minute), clock=self.clock)
            for name in self.mirrors:
                engine = Engine(self.mirror(name), store, gate, self.clock)
                await self._pass(engine, chance, releases=releases)
            self.clock.keep()
        except BaseException as error:
            if not weather.dead:
                self._account(error)
        finally:
            self.in_pass = False
            self._agreed.clear()
            self.met += weather.met
            self.disk.under(None)
            if weather.dead:
                self.tell("the process ends")
                self.disk.close()
        return not weather.dead

    async def _pass(self, engine: Engine, chance: random.Random, *, releases: bool) -> None:
        try:
            planned = await engine.plan(listing=chance.random() < 0.8)
            self.tell(f"plan {planned.plan.counts} {planned.guard}"[:300])
            if not self.fine and chance.random() < 0.15:
                for _ in range(chance.randint(1, 4)):
                    rules.meddle(self, chance)
                await anyio.sleep(chance.uniform(0, 300))
            await self._apply(engine, planned, chance, releases=releases)
        except Problem as problem:
            self.tell(f"problem {problem.notice}")
            self.met[f"problem {problem.notice.code}"] += 1

    async def _apply(
        self, engine: Engine, planned: Planned, chance: random.Random, *, releases: bool
    ) -> None:
        read: frozenset[str] = frozenset()
        if releases and isinstance(planned.guard, Halted):
            read = planned.guard.members
            self._agreed.add(engine.mirror.name)
        stop_at = chance.randint(1, 30) if not self.fine and chance.random() < 0.1 else 0

        def observe(event: Event) -> None:
            nonlocal stop_at
            why = f" ({event.why})" if event.why else ""
            self.tell(f"{event.key.path} {event.action} {event.cause} {event.outcome}{why}")
            self.on_event(event)
            stop_at -= 1
            if stop_at == 0 and drives:
                self.met["stop"] += 1
                drives[0].stop()

        drives: list[Drive] = []
        wait = self.fine or chance.random() < 0.9
        with anyio.move_on_after(TOO_LONG) as scope:
            report = await engine.apply(
                planned, wait=wait, observe=observe, started=drives.append, read=read
            )
            self.tell(f"report {dict(report.done)} exit {report.exit.name}")
        if read:
            self.watcher.agreed()
        if scope.cancelled_caught:
            self.watcher.fault("endless", "a pass did not end")

    def _account(self, error: BaseException) -> None:
        if isinstance(error, Problem):
            self.tell(f"problem {error.notice}")
            return
        if isinstance(error, KeyboardInterrupt | trio.Cancelled):
            raise error
        self.watcher.fault("bug", "".join(traceback.format_exception(error))[-3000:])

    # -- playing ---------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play all steps, then let everything come to rest.

        Raises:
            Broken: a promise was not kept.
        """
        rules.begin(self)
        for step in self.program.steps:
            await self._step(step)
        await quiescence.settle(self)
        self.check()

    async def _step(self, step: Step) -> None:
        self.tell(f"-- {step}")
        chance = step.chance()
        self.server.land()
        rule = rules.RULES[step.rule]
        self.met[f"step {step.rule}"] += 1
        result = rule(self, chance)
        if result is not None:
            await result
        self.check()

    def check(self) -> None:
        if self.watcher.faults:
            self._tell_all()
            raise Broken("\n".join(self.watcher.faults), self)

    def _tell_all(self) -> None:
        """Write down what stands where, for whoever reads the trace."""
        self.tell(f"{self.server.able} swap={self.swap}")
        for document in self.server.documents.values():
            self.tell(f"{document} {self.server.readiness(document).name}")
        for name, folder in self.folders.items():
            self.tell(f"{name}: {folder.files} {folder.locked} {folder.excluded} {folder.mount}")
            for entry in self.store.entries(name):
                self.tell(str(entry))


def _able(chance: random.Random) -> Capabilities:
    kind = chance.choices(["new", "wedging", "old", "bare"], [5, 3, 2, 2])[0]
    match kind:
        case "wedging":
            return Capabilities(version="1.12.1", update_wedges=True)
        case "old":
            return Capabilities(version="1.1.0", partial_update=False)
        case "bare":
            return Capabilities(
                version="0.9.0", merges_by_name=False, metadata=False, partial_update=False
            )
    return Capabilities(version="1.13.0")


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
            mock.patch.object(trio_run, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch("kbsync.engine.comparison.time", clock),
            mock.patch("kbsync.engine.drive.PATIENCE", PATIENCE),
            mock.patch("kbsync.engine.indexing.STUCK_AFTER", PATIENCE),
            mock.patch("kbsync.ledger.owners.uuid.uuid4", token),
        ):
            yield
    finally:
        random.setstate(kept)


def play(
    program: Program,
    place: Path,
    empty: Path,
    story: Callable[[History], Awaitable[None]] | None = None,
) -> History:
    """Play `program`, or a story told by hand in its world, and return the history.

    Args:
        place: an empty folder for ledgers.
        empty: a ledger that has nothing yet.

    Raises:
        Broken: a promise was not kept; the history is its `history`.
    """
    history = History(program, place, empty)

    async def main() -> None:
        await (history.play() if story is None else story(history))
        history.check()

    with _alone(str(program), history.wall):
        try:
            trio.run(main, clock=MockClock(autojump_threshold=0))
        finally:
            history.own.close()
            history.rival.close()
    return history


__all__ = ["Broken", "Crash", "History", "play"]
