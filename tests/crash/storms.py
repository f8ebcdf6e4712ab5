"""Whole applies under faults: one fault for every request of a verb, or all of them mixed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

from typing_commands import SECONDS

from .faults import Asked, Drawn, Fault, Schedule, Verb, always, fair
from .proxy import Proxy, between
from .site import NEXT, Base, Folder, Row, differences
from .together import Story

PATIENCE, WINDOW = 1.0, 2.5  # seconds: as short as the configuration allows, for many stories
FEW, MANY = 5, 28
REFUSALS = 5  # until a server that throttles has room again
SILENCE = 4.0  # seconds


class Storm:
    """One folder with a base of its own, behind a proxy of its own.

    Args:
        place: an empty folder.
        url: the server's.
        proxy: before it.
        name: of the base.
    """

    def __init__(self, place: Path, url: str, proxy: Proxy, name: str) -> None:
        self.base = Base(url, name)
        self.proxy = proxy
        self.folder = Folder(place, proxy.url, name, patience=PATIENCE, window=WINDOW)
        self.wrong: list[str] = []

    def apply(self, *exits: int) -> str:
        """Type it; every ending but the good one has to say what to type next."""
        code, stdout, stderr = self.folder.terminal.run("apply")
        if code not in exits:
            self.wrong.append(f"ended with {code}, not {exits}: {stdout[-2000:]}{stderr[-2000:]}")
        if code and NEXT not in stdout + stderr:
            self.wrong.append(f"ended with {code} and nothing to type: {stdout}{stderr}")
        if "Traceback" in stderr:
            self.wrong.append(stderr)
        return stdout + stderr

    def deletes_only(self, meant: set[str]) -> None:
        """Note every request to delete something else than these documents."""
        asked = [each.subject for each in self.proxy.passages if each.verb is Verb.DELETE]
        ids = {path.rpartition("/")[2] for path in asked}
        self.wrong += [f"deletes {each}" for each in ids - meant]

    def ends_exact(self) -> None:
        """Without faults it converges, and there is nothing more to do."""
        self.proxy.schedule = fair
        self.apply(0)
        self.wrong += differences(self.folder, self.base)
        if counts := self.folder.counts():
            self.wrong.append(f"still planned: {counts}")
        self.base.close()


def meant(fault: Fault, verb: Verb) -> tuple[int, ...]:
    """Return how an apply ends when every such request meets this fault."""
    if fault.harmless or fault.refusal:
        return (0,)
    if verb is Verb.READ:
        return (1,)
    if fault.effect and verb is not Verb.UPDATE:
        return (0,)  # what it did is found
    return (3,)


def alone(place: Path, url: str, fault: Fault, verb: Verb) -> list[str]:
    """Have every request of one verb meet one fault; return what went wrong."""
    with between(url, patience=PATIENCE) as proxy:
        story = Storm(place, url, proxy, f"{fault} {verb}")
        for number in range(FEW):
            story.folder.write(number)
        if verb is not Verb.CREATE:
            story.apply(0)
        gone = _changed(story, range(2), range(2, 4), range(FEW, FEW + 2))
        proxy.passages.clear()
        proxy.schedule = always(fault, verb)
        if fault.refusal:
            proxy.schedule = _for_a_while(fault, verb)
        story.apply(*meant(fault, verb))
        story.ends_exact()
        story.deletes_only(gone)
        return story.wrong


def one_alone(url: str, fault: Fault, verb: Verb) -> Story:
    """Return the story of one fault that meets one verb, at this server."""
    return lambda place: alone(place, url, fault, verb)


def _for_a_while(fault: Fault, verb: Verb) -> Schedule:
    """Refuse until so many were refused: a client that has to wait waits for ever."""
    met = 0

    def schedule(asked: Asked) -> Fault | None:
        nonlocal met
        met += asked.verb is verb
        return fault if asked.verb is verb and met <= REFUSALS else None

    return schedule


def _changed(story: Storm, edited: range, removed: range, added: range) -> set[str]:
    """Edit, remove and add pages; return the ids of the documents whose page is gone."""
    names = {story.folder.name(number) for number in removed}
    gone = {row["id"] for row in story.base.rows() if row["name"] in names}
    for number in edited:
        story.folder.write(number, "second")
    for number in removed:
        story.folder.remove(number)
    for number in added:
        story.folder.write(number)
    return gone


def mixed(place: Path, url: str, seed: int, rate: float = 0.2) -> list[str]:
    """Let all faults rage through a first mirror and a day of work; return what went wrong."""
    drawn = random.Random(seed)
    with between(url, patience=PATIENCE, schedule=Drawn(seed, rate)) as proxy:
        story = Storm(place, url, proxy, f"mixed {seed}")
        for number in range(MANY):
            story.folder.write(number)
        story.apply(0, 1, 3)
        story.apply(0, 1, 3)
        proxy.schedule = fair
        story.apply(0)
        story.wrong += differences(story.folder, story.base)
        story.deletes_only(set())
        before = story.base.rows()

        proxy.schedule = Drawn(seed + 1, rate)
        edited, removed = drawn.randint(5, 20), drawn.randint(3, 10)
        still = range(edited + removed, MANY)
        gone = _changed(
            story,
            range(edited),
            range(edited, edited + removed),
            range(MANY, MANY + drawn.randint(3, 12)),
        )
        story.apply(0, 1, 3)
        story.apply(0, 1, 3)
        names = {story.folder.name(number) for number in still}
        story.wrong += _sent_again(story, before, names)
        story.ends_exact()
        story.deletes_only(gone)
        return story.wrong


def _sent_again(story: Storm, before: list[Row], names: set[str]) -> list[str]:
    """Return which of these documents were embedded again, or are no longer there."""
    now = {row["id"]: row["data_source_info"] for row in story.base.rows()}
    kept = [row for row in before if row["name"] in names]
    return [
        f"not left alone: {row['name']}"
        for row in kept
        if now.get(row["id"]) != row["data_source_info"]
    ]


def throttled(place: Path, url: str) -> list[str]:
    """Throttle as Dify Cloud does: everybody is silent at once, and a signal still ends it."""
    with between(url, patience=PATIENCE) as proxy:
        story = Storm(place, url, proxy, "throttled")
        for number in range(FEW * 3):
            story.folder.write(number)
        proxy.schedule = always(Fault.THROTTLE, Verb.CREATE)
        process = story.folder.start("apply")
        end = time.monotonic() + SECONDS
        while not _uploads(proxy):
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(SILENCE)
        if _uploads(proxy) > 4:
            story.wrong.append(f"{_uploads(proxy)} uploads in spite of the throttle")
        signals = 0
        while process.poll() is None:  # two signals at once may count as one
            process.send_signal(signal.SIGINT)
            signals += 1
            time.sleep(0.2)
        # As nothing is in flight, one may be enough; those that follow may find it ending.
        if process.returncode not in ((3,) if signals == 1 else (3, 130, -signal.SIGINT)):
            story.wrong.append(f"ended with {process.returncode} after {signals} signals")
        story.ends_exact()
        return story.wrong


def _uploads(proxy: Proxy) -> int:
    return sum(each.verb.upload for each in list(proxy.passages))
