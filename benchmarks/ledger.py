"""How fast the ledger is: `python benchmarks/ledger.py [--url postgresql://…] [counts…]`.

Prints, for 10,000 and 100,000 entries: the time and memory of `rows`, with and without a listing
and with half of the files changed; and the rate of durable commits, one by one and in groups.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from kbsync.engine.ports import Binding, EntryChange, ObservedListing
from kbsync.ledger import LedgerStore
from kbsync.model import (
    Chunking,
    DocKey,
    DocumentRule,
    EntryState,
    Fingerprint,
    Intent,
    JournalLine,
    LedgerEntry,
    OneRule,
    Op,
    Readiness,
    RemoteDocument,
    Stat,
)

BASE = "5c1f7d1e-0000-4000-8000-000000000000"
SETTINGS = sha256(b"settings").hexdigest()


def identifier(kind: str, number: int) -> str:
    return str(UUID(bytes=sha256(f"{kind}{number}".encode()).digest()[:16]))


def path_of(number: int) -> str:
    return f"guides/part-{number % 100:03}/chapter-{number % 1000:04}/page-{number:07}.md"


def entry_of(number: int) -> LedgerEntry:
    path = path_of(number)
    return LedgerEntry(
        key=DocKey(mirror="docs", path=path),
        document_id=identifier("document", number),
        document_name=path.replace("/", "∕"),
        state=EntryState.SYNCED,
        stat=Stat(1000 + number, 1_700_000_000_000_000_000 + number, number, number),
        fingerprint=Fingerprint(content=sha256(path.encode()).hexdigest(), settings=SETTINGS),
        metadata_hash=sha256(b"metadata").hexdigest(),
        rev=identifier("rev", number),
        word_count=500,
        batch="20250101000000123456",
    )


def document_of(number: int) -> RemoteDocument:
    entry = entry_of(number)
    mark = {
        "kbsync_mirror": "docs",
        "kbsync_path": entry.key.path,
        "kbsync_fingerprint": f"{sha256(entry.key.path.encode()).hexdigest()}:{SETTINGS}",
        "kbsync_rev": entry.rev or "",
    }
    return RemoteDocument(
        id=entry.document_id,
        name=entry.document_name,
        rev=entry.rev or "",
        word_count=500,
        readiness=Readiness.AVAILABLE,
        size=4000,
        metadata=mark,
    )


def chunks(count: int, size: int) -> Iterator[list[int]]:
    """The numbers in the order of their paths, as a pass meets them."""
    numbers = sorted(range(count), key=path_of)
    for start in range(0, count, size):
        yield numbers[start : start + size]


def filled(address: str, count: int) -> LedgerStore:
    store = LedgerStore.open(address)
    store.bind(Binding(mirror="docs", server="s", base_id=BASE, base_name="Docs", source="/docs"))
    timed(f"{count:,} entries, 1,000 a commit", lambda: fill_entries(store, count), count)
    timed(f"{count:,} listed, 100 a page", lambda: fill_listing(store, count), count)
    return store


def fill_entries(store: LedgerStore, count: int) -> int:
    for numbers in chunks(count, 1000):
        entries = [entry_of(number) for number in numbers]
        store.commit_all([EntryChange(key=each.key, entry=each) for each in entries])
    return count


def fill_listing(store: LedgerStore, count: int) -> int:
    store.begin_listing(BASE)
    for numbers in chunks(count, 100):
        store.add_listed(BASE, [document_of(number) for number in numbers])
    store.end_listing(BASE, ObservedListing(started_at=1.0, complete=True, documents=count))
    return count


def timed(what: str, work: Callable[[], int], expected: int, best_of: int = 1) -> None:
    took = []
    for _ in range(best_of):
        start = time.perf_counter(), time.process_time()
        found = work()
        took.append((time.perf_counter() - start[0], time.process_time() - start[1]))
        assert found == expected, (what, found, expected)
    wall, processor = min(took)
    print(f"  {what:<48} {wall:8.3f} s, {processor:7.3f} s of processor")


def rules(settings: str) -> OneRule:
    """Return the rule of every path of a mirror whose documents are sent under these settings."""
    return OneRule(DocumentRule(settings=settings, chunking=Chunking(process_rule={})))


def measure_rows(store: LedgerStore, count: int) -> None:
    def settled(settings: str, listing: ObservedListing | None) -> Callable[[], int]:
        return lambda: sum(
            row[1] >= 0 for row in store.rows("docs", rules(settings), listing=listing)
        )

    complete = ObservedListing(started_at=1.0, complete=True, documents=count)
    partial = ObservedListing(started_at=1.0, complete=False, documents=count)
    timed("rows, no listing", settled(SETTINGS, None), count, 5)
    timed("rows, complete listing", settled(SETTINGS, complete), count, 3)
    timed("rows, incomplete listing", settled(SETTINGS, partial), count, 3)
    timed("rows, other settings", settled("other", None), 0, 3)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    for _ in store.rows("docs", rules(SETTINGS), listing=complete):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"  memory of rows: {peak / 1024:,.0f} KiB of objects, {grown:,} KiB more resident")


def measure_reads(store: LedgerStore, count: int) -> None:
    keys = [DocKey(mirror="docs", path=path_of(n * 7919 % count)) for n in range(2000)]
    start = time.perf_counter()
    for key in keys:
        assert store.entry(key)
    took = time.perf_counter() - start
    print(f"  {'one entry by key':<52} {took / len(keys) * 1e6:8.0f} µs")


def change_of(number: int) -> list[EntryChange]:
    """The two commits of one upload: the intent, then the outcome."""
    entry = entry_of(number)
    intent = Intent(key=entry.key, op=Op.UPDATE, name=entry.document_name, started_at=number)
    line = JournalLine(
        at=number,
        mirror="docs",
        path=entry.key.path,
        action="update",
        document_id=entry.document_id,
        outcome="done",
        milliseconds=1,
    )
    outcome = EntryChange(key=entry.key, entry=entry, intent=None, journal=(line,))
    return [EntryChange(key=entry.key, intent=intent), outcome]


def measure_commits(store: LedgerStore, count: int) -> None:
    numbers = range(0, count, max(1, count // 500))
    changes = [change for number in numbers for change in change_of(number)]
    for group in (1, 10, 100):
        start = time.perf_counter()
        for at in range(0, len(changes), group):
            store.commit_all(changes[at : at + group])
        took = time.perf_counter() - start
        rate = len(changes) / took
        each = took / (len(changes) / group) * 1000
        print(f"  {f'commits of {group}':<52} {each:8.2f} ms each, {rate:8,.0f} changes/s")


def forgotten(store: LedgerStore) -> int:
    store.begin_listing(BASE)
    return len(store.listed_named(BASE, path_of(1)))


def measure_sync(folder: Path) -> None:
    descriptor = os.open(folder / "sync", os.O_RDWR | os.O_CREAT)
    start = time.perf_counter()
    for _ in range(200):
        os.pwrite(descriptor, b"x" * 4096, 0)
        os.fdatasync(descriptor)
    print(f"one fdatasync of this disk: {(time.perf_counter() - start) * 5:.2f} ms")
    os.close(descriptor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty PostgreSQL database instead of a file")
    parser.add_argument("counts", nargs="*", type=int, default=[10_000, 100_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure_sync(Path(folder))
        for count in options.counts:
            address = f"{folder}/{count}.db"
            if options.url:
                joint = "&" if "?" in options.url else "?"
                address = f"{options.url}{joint}schema=bench_{count}"
            print(f"{count:,} entries")
            with filled(address, count) as store:
                measure_rows(store, count)
                measure_reads(store, count)
                measure_commits(store, count)
                timed("forget the listing", lambda: forgotten(store), 0)
            start = time.perf_counter()
            LedgerStore.open(address).close()
            print(f"  {'open and close':<52} {time.perf_counter() - start:8.3f} s")


if __name__ == "__main__":
    main()
