"""`kbsync apply` of a first mirror, killed again and again while a proxy spoils what it can."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from typing_commands import SECONDS

from kbsync.engine.workers.pool import AHEAD

from .faults import Drawn, Verb, fair
from .proxy import Passage, Proxy, Stage, between, let_pass
from .site import NO_MERGE, PATIENCE, Base, Folder, differences, serving

FOREIGN = 5
IN_FLIGHT = 4 + AHEAD  # by default: what is prepared has an intent too
LONGEST = 900.0  # seconds one run may take to be killed, and the last one to end
EARLY = 0.15  # of the kills hit a program that only begins
ON_THE_WAY = 0.3  # seconds after which what a killed client sent is here; none starts as fast
BEGINNING = 2.0  # seconds
GIVEN_UP = (1, 3, 4)  # exit codes of an apply that met too many faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of it.

    Args:
        repeated: uploads that took effect beyond the first of their document.
        worst: the most of them that one kill is to blame for.
        excused: those whose predecessor's answer was spoiled by the proxy or came too late.
        unexcused: all others.
    """

    kills: int
    gave_up: int
    released: bool
    wanted: int
    documents: int
    wrong: tuple[str, ...]
    plan: dict[str, int]
    uploads: int
    repeated: int
    by_kills: int
    worst: int
    excused: int
    unexcused: int
    faults: Counter[str]
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether nothing was doubled, lost, touched or sent again without need."""
        conflict = {"conflict": 1}  # the file whose name is taken
        return (self.documents, self.wrong, self.plan) == (self.wanted, (), conflict) and (
            self.worst <= IN_FLIGHT and not self.unexcused
        )

    def lines(self) -> list[str]:
        """The figures as they are printed."""
        kinds = Counter(line.partition(":")[0] for line in self.wrong)
        twice = sum(n for kind, n in kinds.items() if kind.endswith("times"))
        touched = kinds["touched"] + kinds["gone"]
        faults = ", ".join(f"{name} {n}" for name, n in sorted(self.faults.items()))
        return [
            f"kills             {self.kills}, and {self.gave_up} that gave up by themselves",
            f"documents         {self.documents} of {self.wanted}",
            f"duplicates        {twice}",
            f"lost              {kinds['not there']}",
            f"other wrongs      {len(self.wrong) - twice - touched - kinds['not there']}",
            f"foreign touched   {touched}",
            f"uploads           {self.uploads}",
            f"uploads repeated  {self.repeated}: {self.by_kills} after a kill (at most "
            f"{self.worst} after one, {IN_FLIGHT} in flight), {self.excused} after an answer that "
            f"was spoiled or late, {self.unexcused} without a reason",
            f"guard released    {'once' if self.released else 'never'}",
            f"final plan        {self.plan}",
            f"faults            {faults}",
            f"seconds           {self.seconds:.0f}",
        ]


def first_mirror(place: Path, *, kills: int, documents: int, seed: int, rate: float) -> Figures:
    """Kill the first mirror of a folder, then let it end; return the figures.

    Args:
        place: an empty folder.
        kills: how often.
        documents: how many files there are, beside one whose name a document made by hand bears.
        seed: where drawing starts; odd seeds have a server that makes two documents of two creates.
        rate: how many requests meet a fault, from 0 to 1.
    """
    drawn, began = random.Random(seed), time.monotonic()
    with (
        serving(place, *(NO_MERGE if seed % 2 else ())) as server,
        between(server.url, patience=PATIENCE) as proxy,
    ):
        folder, base = Folder(place / "here", proxy.url), Base(server.url)
        for number in range(documents + 1):
            folder.write(number)
        foreign = _by_hand(base, documents)
        proxy.schedule = Drawn(seed, rate)
        times = list[float]()
        gave_up = 0
        while len(times) < kills:
            ours = len({each.subject for each in proxy.uploads()})
            # Each is uploaded, and marked where the server has marks: what is left of that is
            # shared out among the kills.
            left = (documents - ours) * (1 if seed % 2 else 2)
            at = _run_and_kill(folder, proxy, drawn, max(0, left) // (kills - len(times)))
            gave_up += at is None
            times += [at] if at else []
            assert gave_up <= kills, "it ends by itself"
        proxy.schedule = fair
        released = _to_its_end(folder)
        wrong = differences(folder, base, foreign)
        count = len(base.rows()) - len(foreign)
        base.close()
        uploads = proxy.uploads()
        blame = blamed(uploads, times)
        return Figures(
            kills=len(times),
            gave_up=gave_up,
            released=released,
            wanted=documents,
            documents=count,
            wrong=tuple(wrong),
            plan=folder.counts(),
            uploads=len(uploads),
            repeated=sum(blame.values()),
            by_kills=sum(n for each, n in blame.items() if isinstance(each, int)),
            worst=max((n for each, n in blame.items() if isinstance(each, int)), default=0),
            excused=blame["spoiled"],
            unexcused=blame["unexcused"],
            faults=Counter(each.fault.value for each in proxy.passages if each.fault),
            seconds=time.monotonic() - began,
        )


def _by_hand(base: Base, documents: int) -> list[dict[str, object]]:
    """Make documents by hand: one bears the name of a file."""
    base.add(f"part{documents % 7}\u2215page{documents}.md", "Written by hand, and of that name.")
    for number in range(FOREIGN):
        base.add(f"by hand {number}.md", f"Lens {number * 7919} was ground by hand.")
    end = time.monotonic() + SECONDS
    rows = base.rows()
    while not all(row["indexing_status"] == "completed" for row in rows):
        assert time.monotonic() < end, rows
        time.sleep(0.05)
        rows = base.rows()
    return rows


def _run_and_kill(folder: Folder, proxy: Proxy, drawn: random.Random, calls: int) -> float | None:
    """Start an apply and kill it at a drawn moment; return when, None if it gave up before.

    Args:
        folder: where it runs.
        proxy: what tells its moments.
        drawn: what draws.
        calls: how many uploads and marks it may get to before.
    """
    moment = Nth(drawn.randint(1, 1 + len(Stage) * calls))
    proxy.moment = moment
    process = folder.start("apply")
    if drawn.random() < EARLY:
        moment.reached.wait(drawn.uniform(0, BEGINNING))
    else:
        _wait_for(moment, process)
    process.kill()
    at = time.monotonic()
    code = process.wait(SECONDS)
    proxy.moment = let_pass
    assert code in (-signal.SIGKILL, *GIVEN_UP), folder.log()
    return at if code == -signal.SIGKILL else None


class Nth:
    """Reached at the n-th stage that any upload or mark comes to."""

    def __init__(self, count: int) -> None:
        self.reached = threading.Event()
        self._left = count

    def __call__(self, stage: Stage, passage: Passage) -> None:
        if passage.verb.upload or passage.verb is Verb.MARK:
            self._left -= 1
            if self._left <= 0:
                self.reached.set()


def _wait_for(moment: Nth, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + LONGEST
    while not moment.reached.wait(0.02) and process.poll() is None:
        assert time.monotonic() < end


def _to_its_end(folder: Folder) -> bool:
    """Apply until it converges; the file whose name is taken is a conflict to the end.

    Returns whether the guard had to be released: what kills leave in doubt is embedded again, and
    of that it counts an hour.
    """
    code = folder.start("apply").wait(LONGEST)
    halted = code == 4
    if halted:
        digest = folder.plan()["guard"]["digest"]
        code = folder.start("apply", "--release", digest).wait(LONGEST)
    assert code == 3, folder.log()
    return halted


def blamed(uploads: Sequence[Passage], kills: Sequence[float]) -> Counter[int | str]:
    """Count the uploads beyond the first of each document by who is to blame.

    Args:
        uploads: those that took effect, in their order.
        kills: monotonic seconds, in their order.

    Returns:
        By the kill's number, or `spoiled` for an answer that the proxy spoiled or that came when
        the client had given up, or `unexcused`.
    """
    blame: Counter[int | str] = Counter()
    before: dict[str, Passage] = {}
    for each in uploads:
        last = before.get(each.subject)
        if last is not None:
            blame[_who(last, each, kills)] += 1
        before[each.subject] = each
    return blame


def _who(last: Passage, now: Passage, kills: Sequence[float]) -> int | str:
    if last.fault is not None and not last.fault.harmless:
        return "spoiled"
    end = now.effective or now.received
    between_them = [n for n, at in enumerate(kills) if last.received - ON_THE_WAY <= at <= end]
    if between_them:
        return between_them[0]
    return "unexcused" if last.answered else "spoiled"
