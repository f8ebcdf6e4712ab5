"""How soon the daemon acts: from a file saved, or gone, to the request at the server.

Usage: python benchmarks/freshness.py [FILES [EDITS [KIND...]]]
Default: 10000 files, 200 of each kind: edited, new, gone, rest.

A folder is mirrored into the embedded knowledge base, which then is served; `kbsync run` keeps it
through a door that notes when each request arrives. Prints milliseconds beyond the settle window
(or the delete grace), and afterwards what one edit and a minute of rest cost: requests and CPU.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

COMMAND = Path(sys.executable).with_name("kbsync")
KEY = "dataset-benchmark"
KINDS = {"edited", "new", "gone", "rest"}
SETTLE, GRACE, REST = 1.0, 5.0, 60.0
HEAD = re.compile(rb"^(GET|POST|PATCH|DELETE|PUT) (\S+) HTTP/1", re.MULTILINE)
WRITES = {
    "update": ("POST", "/update-by-file"),
    "create": ("POST", "/document/create-by-file"),
    "delete": ("DELETE", "/documents/"),
}


class Door:
    """A door in front of the server, in a thread of its own: notes when each request came."""

    def __init__(self, port: int) -> None:
        self.arrivals: list[tuple[float, str, str]] = []
        self.port = 0
        self._backend = port
        self._open = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._open.wait(10)

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._open.set()
        await server.serve_forever()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection("127.0.0.1", self._backend)
        await asyncio.gather(
            self._pass(reader, onward, note=True), self._pass(there, writer, note=False)
        )

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, note: bool
    ) -> None:
        try:
            while chunk := await source.read(1 << 16):
                now = time.perf_counter()
                for method, path in HEAD.findall(chunk) if note else ():
                    self.arrivals.append((now, method.decode(), path.decode()))
                target.write(chunk)
                await target.drain()
        except ConnectionError:
            pass
        finally:
            target.close()

    def came(self, kind: str) -> list[float]:
        """Return when the requests of one kind arrived."""
        method, part = WRITES[kind]
        return [at for at, verb, path in list(self.arrivals) if verb == method and part in path]

    def wait(self, kind: str, number: int, seconds: float = 60.0) -> list[float]:
        """Wait until so many requests of one kind arrived."""
        until = time.monotonic() + seconds
        while len(came := self.came(kind)) < number:
            if time.monotonic() > until:
                raise SystemExit(f"{len(came)} of {number} requests to {kind} came")
            time.sleep(0.002)
        return came


def save(path: Path, words: str) -> float:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(words)
    return time.perf_counter()


def one_by_one(door: Door, kind: str, paths: list[Path]) -> list[float]:
    """Save one file after the other; return milliseconds beyond the settle window."""
    late, before = [], len(door.came(kind))
    for number, path in enumerate(paths, before + 1):
        saved = save(path, f"# {path.name}\n\nSaved at {time.time_ns()}.\n")
        late.append((door.wait(kind, number)[-1] - saved - SETTLE) * 1000)
        time.sleep(0.1)
    return late


def deletions(door: Door, paths: list[Path]) -> list[float]:
    """Delete one file after the other, not waiting; return milliseconds beyond the grace."""
    gone = []
    for path in paths:
        path.unlink()
        gone.append(time.perf_counter())
        time.sleep(0.15)
    came = door.wait("delete", len(paths))
    return [(at - left - GRACE) * 1000 for at, left in zip(came, gone, strict=True)]


def told(kind: str, late: list[float]) -> None:
    ranked = sorted(late)
    p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
    print(
        f"{kind}: {len(late)}, beyond the window: median {statistics.median(late):.0f} ms, "
        f"p99 {p99:.0f} ms, most {ranked[-1]:.0f} ms",
        flush=True,
    )


def seconds_of_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_rest(door: Door, pid: int, path: Path) -> None:
    """Print what one edit and then a minute of rest cost."""
    time.sleep(5)
    first, cpu = len(door.arrivals), seconds_of_cpu(pid)
    save(path, "# One edit\n\nand then nothing.\n")
    time.sleep(REST)
    requests = Counter(verb for _, verb, _ in door.arrivals[first:])
    used = seconds_of_cpu(pid) - cpu
    print(f"one edit, then {REST:.0f} s: {dict(requests)}, {used:.2f} s of CPU", flush=True)


def until_ready(notices: socket.socket) -> None:
    notices.settimeout(600)
    while b"READY=1" not in notices.recv(4096):
        pass


def configure(place: Path, server: str) -> None:
    config = place / "kbsync.yaml"
    config.write_text(
        f"version: 1\nserver: {server}\nledger: ./state/ledger.db\n"
        "mirrors:\n  - name: docs\n    source: ./docs\n    knowledge_base: Docs\n"
        f"    settle: {SETTLE}s\n    delete_grace: {GRACE}s\n"
        "    guard: {removals: {least: 100000}}\n"
    )
    config.chmod(0o600)


def main(files: int, edits: int, kinds: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place, docs = Path(folder), Path(folder) / "docs"
        for number in range(files):
            save(docs / f"folder{number // 100:04}" / f"file{number:06}.md", f"# File {number}\n")
        env = {**os.environ, "KBSYNC_SERVE_KEY": KEY}
        started = time.perf_counter()
        configure(place, f"{{url: embedded, embedded: {{data: {place}/base.db}}}}")
        apply = [str(COMMAND), "apply"]
        subprocess.run(apply, cwd=place, env=env, check=True, stdout=subprocess.DEVNULL)
        print(f"{files} files mirrored in {time.perf_counter() - started:.0f} s", flush=True)
        words = [str(COMMAND), "serve", "--port", "0", "--data", str(place / "base.db")]
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            door = Door(int(server.stdout.readline().rpartition(":")[2].partition("/")[0]))
            # The same base at another address: the ledger finds it there by its id.
            configure(place, f'{{url: "http://127.0.0.1:{door.port}/v1", api_key: "{KEY}"}}')
            try:
                watched(door, place, docs, env, files, edits, kinds)
            finally:
                server.terminate()


def watched(
    door: Door,
    place: Path,
    docs: Path,
    env: dict[str, str],
    files: int,
    edits: int,
    kinds: set[str],
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(place / "notify"))
        env = {**env, "NOTIFY_SOCKET": str(place / "notify")}
        log = (place / "run.log").open("wb")
        with log, subprocess.Popen([str(COMMAND), "run"], cwd=place, env=env, stderr=log) as daemon:
            try:
                until_ready(notices)
                paths = sorted(docs.rglob("*.md"))[:: max(1, files // edits)][:edits]
                door.arrivals.clear()
                if "edited" in kinds:
                    told("edited", one_by_one(door, "update", paths))
                if "new" in kinds:
                    fresh = [docs / "new" / f"new{number:04}.md" for number in range(edits)]
                    told("new", one_by_one(door, "create", fresh))
                if "gone" in kinds:
                    told("gone", deletions(door, paths[1:]))
                if "rest" in kinds:
                    at_rest(door, daemon.pid, paths[0])
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(60)
                sys.stderr.write(
                    (place / "run.log").read_text()[-2000:] if daemon.returncode else ""
                )


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:3]]
    files, edits = counts + [10_000, 200][len(counts) :]
    main(files, edits, set(sys.argv[3:]) or KINDS)
