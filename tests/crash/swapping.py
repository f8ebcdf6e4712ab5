"""Updates by swap, killed and under faults, while searches look for every document all the time."""

from __future__ import annotations

import random
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from typing_commands import KEY, SECONDS

from .faults import Drawn, fair
from .killing import LONGEST, _run_and_kill
from .proxy import between
from .site import PATIENCE, Base, Folder, differences, serving

TOP = 5
BETWEEN = 0.02  # seconds
SWAP = ", update_strategy: swap, guard: {reembeddings: {least: 10000}}"


@dataclass(slots=True)
class Looker:
    """Searches for one document after the other until it is stopped.

    Attributes:
        searches: how many were made.
        missed: what was not found, old or new.
        both: how often one search found the old and the new text.
    """

    url: str
    base: str
    documents: int
    searches: int = 0
    both: int = 0
    missed: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Search until `stopped`, and leave the machine to what is looked at."""
        headers = {"Authorization": f"Bearer {KEY}"}
        with httpx.Client(
            base_url=self.url, headers=headers, timeout=SECONDS, trust_env=False
        ) as http:
            while not self.stopped.is_set():
                for number in range(self.documents):
                    self._look(http, number)
                    self.stopped.wait(BETWEEN)

    def _look(self, http: httpx.Client, number: int) -> None:
        sent = time.monotonic()
        words = {"search_method": "keyword_search", "reranking_enable": False, "top_k": TOP}
        body = {"query": f"Lens {number * 7919}", "retrieval_model": words}
        reply = http.post(f"/datasets/{self.base}/retrieve", json=body)
        assert reply.is_success, reply.text
        found = [each["segment"]["content"] for each in reply.json()["records"]]
        lines = [f"Lens {number * 7919} has its {each} words." for each in ("first", "second")]
        there = [any(line in text for text in found) for line in lines]
        self.searches += 1
        self.both += all(there)
        if not any(there):
            self.missed.append(f"page {number} at {sent:.2f}: {found}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFigures:
    """What came of it."""

    documents: int
    kills: int
    gave_up: int
    searches: int
    both: int
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    faults: int
    seconds: float

    @property
    def sound(self) -> bool:
        """Whether every search found the old or the new text, and all is as it ought to be."""
        return not self.missed and not self.wrong

    def lines(self) -> list[str]:
        """The figures as they are printed."""
        return [
            f"documents  {self.documents}, updated by swap",
            f"kills      {self.kills}, and {self.gave_up} that gave up by themselves",
            f"faults     {self.faults}",
            f"searches   {self.searches}: {len(self.missed)} found neither, {self.both} found both",
            f"seconds    {self.seconds:.0f}",
            *self.missed[:5],
            *self.wrong[:5],
        ]


def swapped(place: Path, *, documents: int, kills: int, seed: int, rate: float) -> SwapFigures:
    """Update every document of a mirror while searches look on; return the figures.

    Args:
        place: an empty folder.
        documents: how many.
        kills: how often the update is killed.
        seed: where drawing starts.
        rate: how many requests meet a fault, from 0 to 1.
    """
    drawn, began = random.Random(seed), time.monotonic()
    with serving(place) as server, between(server.url, patience=PATIENCE) as proxy:
        folder, base = Folder(place / "here", proxy.url, more=SWAP), Base(server.url)
        for number in range(documents):
            folder.write(number)
        folder.terminal.type("apply")
        for number in range(documents):
            folder.write(number, "second")
        looker = Looker(server.url, base._path.rpartition("/")[2], documents)
        thread = threading.Thread(target=looker.run)
        thread.start()
        try:
            before, gave_up, made = len(proxy.passages), 0, 0
            proxy.schedule = Drawn(seed, rate)
            while made < kills and gave_up <= kills:
                at = _run_and_kill(folder, proxy, drawn, documents // (kills + 1))
                made += at is not None
                gave_up += at is None
            code = folder.start("apply").wait(LONGEST)
            proxy.schedule = fair
            while code:
                assert code != -signal.SIGKILL
                code = folder.start("apply").wait(LONGEST)
            wrong = differences(folder, base)
        finally:
            looker.stopped.set()
            thread.join()
            base.close()
        return SwapFigures(
            documents=documents,
            kills=made,
            gave_up=gave_up,
            searches=looker.searches,
            both=looker.both,
            missed=tuple(looker.missed),
            wrong=tuple(wrong),
            faults=sum(each.fault is not None for each in proxy.passages[before:]),
            seconds=time.monotonic() - began,
        )
