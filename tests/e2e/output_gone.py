"""Commands whose output goes away at a drawn moment; more draws: python output_gone.py NUMBER."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from typing_commands import COMMAND, SECONDS, Terminal, by_hand, environment, served

KINDS = ("closed", "full", "deserted", "slow", "whole")
FILES = 24
SMALLEST_PIPE = 4096


class Draw(NamedTuple):
    """What becomes of standard output and error of one command, and how its letters are encoded.

    Args:
        taken: bytes after which a reader leaves, or takes nothing for a while.
    """

    verb: str
    output: str
    errors: str
    encoding: str
    taken: int


def drawn(seed: int) -> Draw:
    """Return the draw of a seed."""
    number = random.Random(seed)
    output, errors = number.choice(KINDS), number.choice(KINDS)
    encoding = number.choice(("", "ascii", "latin-1"))
    return Draw(
        number.choice(("apply", "run")), output, errors, encoding, number.choice((0, 30, 700, 2500))
    )


class Site:
    """A folder of pages with long names beside a served knowledge base."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.terminal = Terminal(folder)
        times = "settle: 50ms, delete_grace: 100ms, update_interval: 0s"
        (folder / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            "ledger: ./state/ledger.db\n"
            f"mirrors:\n  - {{name: docs, source: ./docs, knowledge_base: Docs, {times}}}\n"
        )

    def write(self, word: str) -> None:
        for number in range(FILES):
            name = f"{number} Übersicht – {'über lange Namen ' * 5}.md"
            (self.docs / name).write_text(f"Page {number} tells of {word}.\n")

    def holds(self, word: str) -> bool:
        """Whether every page is found at the server with `word`, once."""
        with by_hand(self.url) as server:
            bases = server.get("/datasets").json()["data"]
            if not bases:
                return False
            base = f"/datasets/{bases[0]['id']}/documents"
            documents = server.get(base, params={"limit": 100}).json()["data"]
            ids = [each["id"] for each in documents if each["indexing_status"] == "completed"]
            pages = [server.get(f"{base}/{each}/segments").json()["data"] for each in ids]
        texts = sorted(chunk["content"].strip() for page in pages for chunk in page)
        return texts == sorted(f"Page {number} tells of {word}." for number in range(FILES))

    def until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.3)


class Sink:
    """One of the two streams: where it goes, and what was read of it."""

    def __init__(self, kind: str, taken: int, resumed: threading.Event) -> None:
        self.kind = kind
        self.read = b""
        self._taken, self._resumed = taken, resumed
        self._reader: threading.Thread | None = None

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Yield the descriptor that the command is given."""
        if self.kind in ("closed", "full"):
            with open("/dev/full", "wb", 0) as full:
                yield full.fileno()
            return
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALLEST_PIPE)
        self._reader = threading.Thread(target=self._take, args=(reading,))
        self._reader.start()
        try:
            yield writing
        finally:
            os.close(writing)

    def _take(self, reading: int) -> None:
        with open(reading, "rb", 0) as pipe:
            if self.kind != "whole":
                while len(self.read) < self._taken and (piece := pipe.read(self._taken)):
                    self.read += piece
            if self.kind == "slow":
                self._resumed.wait(SECONDS)
            if self.kind != "deserted":
                self.read += pipe.read()

    def join(self) -> str:
        if self._reader is not None:
            self._reader.join(SECONDS)
        return self.read.decode("utf-8", "replace")


def played(site: Site, draw: Draw, word: str) -> None:
    """Edit every page, let the command of `draw` send them, and look at what is there then."""
    site.write(word)
    resumed = threading.Event()
    output = Sink(draw.output, draw.taken, resumed)
    errors = Sink(draw.errors, draw.taken, resumed)
    closing = " ".join(
        f"{number}>&-" for number, each in ((1, output), (2, errors)) if each.kind == "closed"
    )
    env = environment(PYTHONIOENCODING=draw.encoding)
    with ExitStack() as stack:
        process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" {closing}', "sh", str(COMMAND), draw.verb],
            cwd=site.folder,
            env=env,
            stdout=stack.enter_context(output.opened()),
            stderr=stack.enter_context(errors.opened()),
        )
    try:
        site.until(lambda: site.holds(word))
        resumed.set()
        if draw.verb == "run":
            process.send_signal(signal.SIGTERM)
        code = process.wait(SECONDS)
    finally:
        process.kill()
        resumed.set()
    said = output.join() + errors.join()
    assert code == (draw.verb == "apply" and draw.output == "full"), (draw, said)
    assert "Traceback" not in said, (draw, said)
    assert not site.terminal.read("ledger", "check")["intents"], draw
    code, plan, _ = site.terminal.run("plan", "--json")
    left = set(json.loads(plan)["counts"])
    # A daemon that ends as soon as a text is found may leave the mark of it to the next one.
    assert (code, left) == (0, set()) or (draw.verb, left) == ("run", {"set_metadata"}), (
        draw,
        plan,
    )


def main(seeds: range) -> None:
    with tempfile.TemporaryDirectory() as place, served(Path(place)) as url:
        site = Site(Path(place), url)
        for seed in seeds:
            draw = drawn(seed)
            played(site, draw, f"w{seed}x")
            print(seed, *draw, flush=True)


if __name__ == "__main__":
    main(range(*map(int, sys.argv[1:])))
