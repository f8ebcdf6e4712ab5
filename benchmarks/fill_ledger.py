"""Fill a ledger as a first `apply` of the whole tree would have left it, in seconds.

    PYTHON -I benchmarks/fill_ledger.py LEDGER SOURCE DOCUMENTS

Run by the Python of the version of kbsync whose ledger it is. One file was applied before; its
entry is the pattern for all others, whose stats are read from SOURCE. DOCUMENTS gets a JSON line
for each document, from which `benchmarks/server.py` makes the base that fits.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from kbsync.engine import ports
from kbsync.ledger.store import LedgerStore
from kbsync.model import DocKey, Fingerprint, LedgerEntry, Stat
from kbsync.planning.marks import mark_for, values_hash, values_of

MIRROR = "docs"
AT_ONCE = 5000
# Its name in version 0.1.0 at commit 0644e0f, which is still compared with.
Change: Any = getattr(ports, "EntryChange", None) or vars(ports)["Change"]


def main() -> None:
    """Fill the ledger and write the documents down."""
    ledger_path, source, documents = map(Path, sys.argv[1:])
    with (
        LedgerStore.open(ledger_path) as ledger,
        documents.open("w", encoding="utf-8") as lines,
    ):
        pattern, owner = _pattern(ledger, source), _owner(ledger)
        numbered = enumerate(_paths(source))
        while some := list(islice(numbered, AT_ONCE)):
            entries = [_entry(pattern, owner, source, path, number) for number, path in some]
            ledger.commit_all([Change(key=entry.key, entry=entry) for entry in entries])
            lines.writelines(
                _line(owner, entry, number)
                for entry, (number, _) in zip(entries, some, strict=True)
            )


def _paths(source: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(source):
        folders.sort()
        beginning = os.path.relpath(folder, source)
        for name in sorted(files):
            yield name if beginning == "." else f"{beginning}/{name}"


def _pattern(ledger: LedgerStore, source: Path) -> LedgerEntry:
    found = (ledger.entry(DocKey(mirror=MIRROR, path=path)) for path in _paths(source))
    return next(entry for entry in found if entry is not None)


def _owner(ledger: LedgerStore) -> str:
    ownership = ledger.ownership(MIRROR)
    assert ownership is not None
    return ownership.token


def _entry(pattern: LedgerEntry, owner: str, source: Path, path: str, number: int) -> LedgerEntry:
    assert pattern.fingerprint is not None
    seen = (source / path).stat()
    # At commit 0644e0f without the last.
    of_file = (seen.st_size, seen.st_mtime_ns, seen.st_ino, seen.st_ctime_ns)[: len(Stat._fields)]
    with (source / path).open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    entry = replace(
        pattern,
        key=DocKey(mirror=MIRROR, path=path),
        document_id=_identifier(1, number),
        document_name=path.replace("/", "\N{DIVISION SLASH}"),
        stat=Stat(*of_file),
        fingerprint=Fingerprint(content=content, settings=pattern.fingerprint.settings),
        rev=_identifier(2, number),
        word_count=seen.st_size,
    )
    return replace(entry, metadata_hash=values_hash(_mark(owner, entry)))


def _mark(owner: str, entry: LedgerEntry) -> dict[str, str]:
    mark = mark_for(entry, owner)
    assert mark is not None
    return values_of(mark)


def _line(owner: str, entry: LedgerEntry, number: int) -> str:
    document = {
        "number": number,
        "name": entry.document_name,
        "file_id": entry.rev,
        "size": entry.stat.size if entry.stat else 0,
        "values": _mark(owner, entry),
    }
    return json.dumps(document) + "\n"


def _identifier(kind: int, number: int) -> str:
    """As `benchmarks.documents.identifier`, which this script cannot import."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


if __name__ == "__main__":
    main()
