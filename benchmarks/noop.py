"""A pass with nothing to do, beside rsync and rclone on the same tree, in one run.

Usage: python benchmarks/noop.py [FILES ...] [--rounds N]
Default: 10000 100000, 100 files a folder.

The ledger is filled as a first `apply` would have left it; the embedded server holds the base, so
that the pass looks it up as always. Prints wall seconds (best of some rounds) and peak memory.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from kbsync.app import build
from kbsync.engine.ports import Binding, EntryChange, Ownership
from kbsync.ledger.store import LedgerStore
from kbsync.model import DocKey, EntryState, Fingerprint, LedgerEntry, Stat
from kbsync.planning.marks import mark_for, values_hash, values_of
from kbsync.source.document_rules import RulesOfMirror

COMMAND = Path(sys.executable).with_name("kbsync")
A_FOLDER = 100


def make_tree(root: Path, files: int) -> None:
    for number in range(files):
        folder = root / f"folder{number // A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"file{number:06}.md").write_text(f"# File {number}\n")


def fill_ledger(place: Path, config: Path) -> None:
    settings = build.settings_of(config)
    hashed = RulesOfMirror(settings.mirrors[0]).of("").settings
    with LedgerStore.open(place / "state" / "ledger.db") as ledger:
        bound, ownership = ledger.binding("docs"), ledger.ownership("docs")
        assert isinstance(bound, Binding)
        assert isinstance(ownership, Ownership)
        changes = []
        for path in sorted((place / "docs").rglob("*.md")):
            key = DocKey(mirror="docs", path=path.relative_to(place / "docs").as_posix())
            entry = _marked(_entry(key, path.stat(), hashed, len(changes)), ownership.token)
            changes.append(EntryChange(key=key, entry=entry))
        ledger.commit_all(changes)


def _marked(entry: LedgerEntry, owner: str) -> LedgerEntry:
    """Without the hash of a written mark the pass would try to mark documents that do not exist."""
    mark = mark_for(entry, owner)
    assert mark is not None
    return replace(entry, metadata_hash=values_hash(values_of(mark)))


def _entry(key: DocKey, status: os.stat_result, settings: str, number: int) -> LedgerEntry:
    return LedgerEntry(
        key=key,
        document_id=f"00000000-0000-4000-8000-{number:012}",
        document_name=key.path.replace("/", "∕"),
        state=EntryState.SYNCED,
        stat=Stat(status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns),
        fingerprint=Fingerprint(content="0" * 64, settings=settings),
        rev="r",
        word_count=1,
    )


def measured(words: list[str], cwd: Path, rounds: int) -> tuple[float, float]:
    """Return the best wall seconds of some rounds and the peak memory in MiB."""
    best, peak = float("inf"), 0.0
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(words, cwd=cwd, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, _high_water(process.pid))
            time.sleep(0.005)
        best = min(best, time.perf_counter() - started)
        if process.returncode:
            raise SystemExit(f"{words} ended with {process.returncode}")
    return best, peak


def _high_water(pid: int) -> float:
    """Peak resident MiB of a process; a wait's own figure would begin with its parent's."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def peers(place: Path) -> dict[str, list[str]]:
    source, copy = f"{place / 'docs'}/", str(place / "copy")
    found = {
        "rsync -a": ["rsync", "-a", source, copy],
        "rclone sync": ["rclone", "sync", source, copy, "--config", os.devnull],
    }
    return {name: words for name, words in found.items() if shutil.which(words[0])}


def compare(files: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "kbsync.yaml").write_text(
            "version: 1\nserver: {url: embedded}\nledger: ./state/ledger.db\n"
            "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs, settle: 0s}]\n"
        )
        (place / "docs").mkdir()
        (place / "docs" / "first.md").write_text("# First\n\nA first page.\n")
        subprocess.run([str(COMMAND), "apply"], cwd=place, check=True, stdout=subprocess.DEVNULL)
        make_tree(place / "docs", files)
        fill_ledger(place, place / "kbsync.yaml")
        print(f"{files:,} files in {-(-files // A_FOLDER):,} folders, nothing to do")
        words = {"kbsync apply --no-refresh": [str(COMMAND), "apply", "--no-refresh"]}
        for name, peer in peers(place).items():
            subprocess.run(peer, cwd=place, check=True)
            words[name] = peer
        for name, line in words.items():
            seconds, peak = measured(line, place, rounds)
            print(f"  {name:28} {seconds:7.2f} s  {peak:7.1f} MiB")
        seconds, peak = measured([str(COMMAND), "--version"], place, rounds)
        print(f"  {'kbsync --version':28} {seconds:7.2f} s  {peak:7.1f} MiB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for count in options.files:
        compare(count, options.rounds)
