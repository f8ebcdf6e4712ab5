"""How a cluster grows: uploads a second with one, two and four workers, a tree of many files.

    python -m benchmarks.cluster --files 200000 --workers 1,2,4 --seconds 120 --keep FOLDER

A stub waits 50 ms before every answer; each worker has four requests in flight, and nothing limits
its writes. The rate is that of a stretch of time in the middle of a first upload. PostgreSQL, stub
and workers share the cores of this machine.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import ROOT
from benchmarks.servers import KEY, first_line
from benchmarks.suite import running
from benchmarks.trees import Shape, make_tree
from tests.cluster import Cluster, postgresql

LATENCY, IN_FLIGHT, WARM = 0.05, 4, 20.0
FIRST_PORT = 18_100
SCHEMA = "bench"
_CALLS = r'^kbsync_requests_total\{[^}]*operation="([^"]*)"[^}]*\} (\S+)$'


@dataclass(frozen=True)
class Rate:
    """What was seen with some workers.

    Args:
        workers: how many.
        together: uploads a second.
        each: of each worker.
        cpu: seconds of CPU a second, by whose.
    """

    workers: int
    together: float
    each: tuple[float, ...]
    cpu: dict[str, float]

    def line(self) -> str:
        """Return it to be read."""
        each = ", ".join(f"{rate:.1f}" for rate in self.each)
        cpu = ", ".join(f"{name} {used:.2f}" for name, used in self.cpu.items())
        return f"{self.workers} workers: {self.together:.1f} uploads/s ({each}); cores: {cpu}"


def measure(source: Path, scratch: Path, cluster: Cluster, workers: int, seconds: float) -> Rate:
    """Begin a first upload with so many workers, and look for so long."""
    with ExitStack() as stack:
        schema = f"{SCHEMA}_{workers}"
        stub = stack.enter_context(_stub(scratch))
        url = first_line(stub)
        ports = [FIRST_PORT + n for n in range(workers)]
        configs = [_config(scratch, source, url, cluster.url(schema), port) for port in (0, *ports)]
        stack.enter_context(_process(scratch, configs[0], "watch", "schedule"))
        worked = [stack.enter_context(_process(scratch, each, "work")) for each in configs[1:]]
        pids = {"workers": [each.pid for each in worked], "stub": [stub.pid]}
        pids["PostgreSQL"] = _postgres(cluster)
        time.sleep(WARM)
        began, before = time.monotonic(), [_uploads(port) for port in ports]
        pids["PostgreSQL"] = _postgres(cluster)
        used = {name: _cpu(each) for name, each in pids.items()}
        time.sleep(seconds)
        passed = time.monotonic() - began
        after = [_uploads(port) for port in ports]
        cpu = {name: (_cpu(each) - used[name]) / passed for name, each in pids.items()}
        rates = tuple((b - a) / passed for a, b in zip(before, after, strict=True))
        return Rate(workers, sum(rates), rates, cpu)


def _config(scratch: Path, source: Path, url: str, ledger: str, port: int) -> Path:
    file = scratch / f"kbsync-{port}.yaml"
    web = f'web: {{listen: "127.0.0.1:{port}"}}\n' if port else ""
    file.write_text(
        f"version: 1\nledger: '{ledger}'\n"
        f"server: {{url: '{url}/v1', api_key: {KEY}, max_in_flight: {IN_FLIGHT}}}\n"
        f"mirrors:\n- {{name: docs, source: '{source}', knowledge_base: Docs, settle: 0}}\n{web}"
    )
    file.chmod(0o600)
    return file


def _process(
    scratch: Path, config: Path, *roles: str
) -> AbstractContextManager[subprocess.Popen[bytes]]:
    words = [str(Path(sys.executable).with_name("kbsync")), "-c", str(config), "run"]
    words += [word for role in roles for word in ("--role", role)]
    return running(words, cwd=scratch, log=scratch / f"{config.stem}.log")


def _stub(scratch: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "benchmarks.server", "--latency", str(LATENCY)]
    return running(words, cwd=ROOT, log=scratch / "stub.log")


def _uploads(port: int) -> float:
    """Return how many uploads a worker has made."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    found = re.findall(_CALLS, text, re.MULTILINE)
    return sum(float(count) for call, count in found if "create" in call)


def _postgres(cluster: Cluster) -> list[int]:
    first = int((cluster.folder / "cluster" / "postmaster.pid").read_text().split()[0])
    parents = {int(pid): _parent(pid) for pid in os.listdir("/proc") if pid.isdigit()}
    return [first, *(pid for pid, parent in parents.items() if parent == first)]


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _cpu(pids: list[int]) -> float:
    """Return the seconds of CPU that processes have used, as far as they are there."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Read the command line, measure, and print a line for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--keep", type=Path, help="folder that keeps the tree for the next run")
    options = parser.parse_args()
    with TemporaryDirectory(prefix="kbsync-bench-") as place:
        shape = Shape(options.files, max(1, options.files // 100), size=512, seed=5)
        source = (options.keep or Path(place)) / f"cluster-{options.files}"
        if not source.exists():
            source.mkdir(parents=True)
            make_tree(source, shape)
        with postgresql() as cluster:
            for workers in map(int, options.workers.split(",")):
                scratch = Path(place) / str(workers)
                scratch.mkdir()
                rate = measure(source, scratch, cluster, workers, options.seconds)
                print(rate.line(), flush=True)


if __name__ == "__main__":
    main()
