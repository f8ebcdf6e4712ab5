"""How soon the daemon acts: from a file saved, or gone, to the request at the server.

Usage: python benchmarks/freshness.py [FILES [EDITS [KIND...]]] [--grace S] [--rest S]
Default: 10000 files, 200 of each kind: edited, new, gone, rest.

A folder is mirrored into the embedded knowledge base, which then is served; `kbsync run` keeps it
in sync through a proxy that notes when each request arrives. Prints milliseconds beyond the settle
window (or the delete grace), and what one edit and a minute of rest cost: requests and CPU.
"""

from __future__ import annotations

import argparse
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
from dataclasses import dataclass
from pathlib import Path

COMMAND = Path(sys.executable).with_name("kbsync")
KEY = "dataset-benchmark"
KINDS = ("edited", "new", "gone", "rest")
SETTLE = 1.0
HEAD = re.compile(rb"^(GET|POST|PATCH|DELETE|PUT) (\S+) HTTP/1", re.MULTILINE)
WRITES = {
    "update": ("PATCH", "/documents/"),
    "create": ("POST", "/document/create-by-file"),
    "delete": ("DELETE", "/documents/"),
}


@dataclass(frozen=True)
class Options:
    """How large the measurement is; `grace` and `rest` are seconds."""

    files: int
    edits: int
    kinds: set[str]
    grace: float
    rest: float


class Proxy:
    """Stands in front of the server, in a thread of its own, and notes when each request came."""

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


def one_by_one(proxy: Proxy, kind: str, paths: list[Path]) -> list[float]:
    """Save one file after the other; return milliseconds beyond the settle window."""
    late, before = [], len(proxy.came(kind))
    for number, path in enumerate(paths, before + 1):
        saved = save(path, f"# {path.name}\n\nSaved at {time.time_ns()}.\n")
        late.append((proxy.wait(kind, number)[-1] - saved - SETTLE) * 1000)
        time.sleep(0.1)
    return late


def deletions(proxy: Proxy, paths: list[Path], grace: float) -> list[float]:
    """Delete one file after the other, not waiting; return milliseconds beyond the grace."""
    gone = []
    for path in paths:
        path.unlink()
        gone.append(time.perf_counter())
        time.sleep(0.15)
    came = proxy.wait("delete", len(paths))
    return [(at - left - grace) * 1000 for at, left in zip(came, gone, strict=True)]


def report(kind: str, late: list[float]) -> None:
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


def at_rest(proxy: Proxy, pid: int, path: Path, rest: float) -> None:
    """Print what one edit and then a minute of rest cost."""
    time.sleep(min(5.0, rest))
    first, cpu = len(proxy.arrivals), seconds_of_cpu(pid)
    save(path, "# One edit\n\nand then nothing.\n")
    time.sleep(rest)
    requests = Counter(verb for _, verb, _ in proxy.arrivals[first:])
    used = seconds_of_cpu(pid) - cpu
    print(f"one edit, then {rest:.0f} s: {dict(requests)}, {used:.2f} s of CPU", flush=True)


def until_ready(notices: socket.socket) -> None:
    notices.settimeout(600)
    while b"READY=1" not in notices.recv(4096):
        pass


def configure(place: Path, server: str, grace: float) -> None:
    config = place / "kbsync.yaml"
    config.write_text(
        f"version: 1\nserver: {server}\nledger: ./state/ledger.db\n"
        "mirrors:\n  - name: docs\n    source: ./docs\n    knowledge_base: Docs\n"
        f"    settle: {SETTLE}s\n    delete_grace: {grace}s\n"
        "    guard: {removals: {least: 100000}}\n"
    )
    config.chmod(0o600)


def measure(options: Options) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place, docs = Path(folder), Path(folder) / "docs"
        for number in range(options.files):
            save(docs / f"folder{number // 100:04}" / f"file{number:06}.md", f"# File {number}\n")
        env = {**os.environ, "KBSYNC_SERVE_KEY": KEY}
        started = time.perf_counter()
        configure(place, f"{{url: embedded, embedded: {{data: {place}/base.db}}}}", options.grace)
        apply = [str(COMMAND), "apply"]
        subprocess.run(apply, cwd=place, env=env, check=True, stdout=subprocess.DEVNULL)
        print(
            f"{options.files} files mirrored in {time.perf_counter() - started:.0f} s", flush=True
        )
        words = [str(COMMAND), "serve", "--port", "0", "--data", str(place / "base.db")]
        with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            proxy = Proxy(int(server.stdout.readline().rpartition(":")[2].partition("/")[0]))
            # The same base at another address: the ledger finds it there by its id.
            server_line = f'{{url: "http://127.0.0.1:{proxy.port}/v1", api_key: "{KEY}"}}'
            configure(place, server_line, options.grace)
            try:
                measure_daemon(proxy, place, docs, env, options)
            finally:
                server.terminate()


def measure_kinds(proxy: Proxy, docs: Path, pid: int, options: Options) -> None:
    edits, kinds = options.edits, options.kinds
    paths = sorted(docs.rglob("*.md"))[:: max(1, options.files // edits)][:edits]
    if "edited" in kinds:
        report("edited", one_by_one(proxy, "update", paths))
    if "new" in kinds:
        fresh = [docs / "new" / f"new{number:04}.md" for number in range(edits)]
        report("new", one_by_one(proxy, "create", fresh))
    if "gone" in kinds:
        report("gone", deletions(proxy, paths[1:], options.grace))
    if "rest" in kinds:
        at_rest(proxy, pid, paths[0], options.rest)


def measure_daemon(
    proxy: Proxy, place: Path, docs: Path, env: dict[str, str], options: Options
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(place / "notify"))
        env = {**env, "NOTIFY_SOCKET": str(place / "notify")}
        log = (place / "run.log").open("wb")
        with log, subprocess.Popen([str(COMMAND), "run"], cwd=place, env=env, stderr=log) as daemon:
            try:
                until_ready(notices)
                proxy.arrivals.clear()
                measure_kinds(proxy, docs, daemon.pid, options)
            finally:
                daemon.send_signal(signal.SIGTERM)
                daemon.wait(60)
                sys.stderr.write(
                    (place / "run.log").read_text()[-2000:] if daemon.returncode else ""
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="?", type=int, default=10_000)
    parser.add_argument("edits", nargs="?", type=int, default=200, help="of each kind")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--grace", type=float, default=5.0, help="seconds a deletion waits")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds of rest")
    words = parser.parse_args()
    kinds = set(words.kinds or KINDS)
    measure(Options(words.files, words.edits, kinds, words.grace, words.rest))


if __name__ == "__main__":
    main()
