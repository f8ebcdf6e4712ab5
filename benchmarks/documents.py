"""The documents of the stub's base, as rows of its listing (docs/dify-api.md sections 4.3, 6.2)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CREATED_AT = 1_700_000_000


@dataclass
class StoredDocument:
    """One document.

    Args:
        number: counts documents from 0; those created later have larger ones.
        file_id: id of the upload, which an update replaces.
        size: bytes of the file.
        ready_at: when it is indexed, in monotonic seconds.
        values: metadata values by name.
        text: the beginning of its text.
    """

    number: int
    name: str
    file_id: str
    size: int
    batch: str = ""
    ready_at: float = 0.0
    values: dict[str, str] = field(default_factory=dict)
    text: str = ""
    _row: bytes = b""

    @property
    def id(self) -> str:
        """Its id at the server."""
        return document_id(self.number)

    @property
    def indexed(self) -> bool:
        """Whether it can be found by now."""
        return time.monotonic() >= self.ready_at

    def assign(self, values: dict[str, str], *, merge: bool) -> None:
        """Set metadata values."""
        self.values = {**self.values, **values} if merge else values
        self._row = b""

    def row(self) -> bytes:
        """Return it as JSON; what is indexed and unchanged is written once."""
        if self._row and self.indexed:
            return self._row
        row = json.dumps(self.shown(), ensure_ascii=False, separators=(",", ":")).encode()
        self._row = row if self.indexed else b""
        return row

    def shown(self) -> dict[str, object]:
        """Return the members of a row."""
        done = self.indexed
        file = {"id": self.file_id, "name": self.name, "size": self.size, "extension": "md"}
        return {
            "id": self.id,
            "position": self.number + 1,
            "data_source_type": "upload_file",
            "data_source_info": {"upload_file_id": self.file_id},
            "data_source_detail_dict": {"upload_file": {**file, "mime_type": "text/markdown"}},
            "dataset_process_rule_id": identifier(4, 0),
            "name": self.name,
            "created_from": "api",
            "created_by": identifier(5, 0),
            "created_at": CREATED_AT + self.number,
            "tokens": self.size // 4 if done else None,
            "indexing_status": "completed" if done else "indexing",
            "error": None,
            "enabled": True,
            "disabled_at": None,
            "disabled_by": None,
            "archived": False,
            "display_status": "available" if done else "indexing",
            "word_count": self.size if done else None,
            "hit_count": 0,
            "doc_form": "text_model",
            "doc_metadata": [
                {"id": field_id(name), "name": name, "type": "string", "value": value}
                for name, value in self.values.items()
            ],
        }


def identifier(kind: int, number: int) -> str:
    """Return the id of the nth thing of a kind."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


def document_id(number: int) -> str:
    """Return the id of the nth document."""
    return identifier(1, number)


def file_id(number: int) -> str:
    """Return the id of the nth uploaded file."""
    return identifier(2, number)


def field_id(name: str) -> str:
    """Return the id of the metadata field of a name."""
    return identifier(3, int.from_bytes(name.encode()[-6:], "big"))


class StoredDocuments:
    """All documents of the base, the newest first where they are listed."""

    def __init__(self) -> None:
        self._rows: list[StoredDocument] = []
        self._by_name: dict[str, StoredDocument] = {}
        self._by_file: dict[str, StoredDocument] = {}
        self._by_batch: dict[str, StoredDocument] = {}
        self._by_id: dict[str, StoredDocument] = {}
        self._files = 0

    def load(self, path: Path) -> None:
        """Take in what `benchmarks/fill_ledger.py` wrote: a JSON line for each document."""
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                self._add(StoredDocument(**json.loads(line)))
        self._files = len(self._rows)

    def upload(
        self, name: str, size: int, text: str, ready_at: float, over: str | None
    ) -> StoredDocument:
        """Store an upload, over the document `over` or the one of its name if there is one."""
        known = self._by_id.get(over) if over else self._by_name.get(name)
        document = known or self._add(StoredDocument(len(self._rows), name, "", size))
        document.name, document.size, document.text = name, size, text
        document.file_id, document.ready_at = file_id(self._files), ready_at
        document.batch = f"20261129000000{self._files:06}"
        document.assign(document.values, merge=False)
        self._files += 1
        self._by_file[document.file_id] = document
        self._by_batch[document.batch] = document
        return document

    def _add(self, document: StoredDocument) -> StoredDocument:
        self._rows.append(document)
        self._by_name[document.name] = document
        self._by_id[document.id] = document
        self._by_file[document.file_id] = document
        return document

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, document_id: str) -> StoredDocument | None:
        """Return a document by its id."""
        return self._by_id.get(document_id)

    def of_file(self, file_id: str) -> StoredDocument | None:
        """Return the document of an upload."""
        return self._by_file.get(file_id)

    def of_batch(self, batch: str) -> StoredDocument | None:
        """Return the document of a batch."""
        return self._by_batch.get(batch)

    def of_text(self, text: str) -> StoredDocument | None:
        """Return a document that begins with the words of `text`."""
        return next((each for each in self._rows if text in " ".join(each.text.split())), None)

    def page(
        self, number: int, limit: int, *, keyword: str, status: str
    ) -> tuple[list[StoredDocument], int]:
        """Return one page and how many documents all pages have."""
        first = (number - 1) * limit
        if not keyword and not status:
            end = len(self._rows) - first
            return self._rows[max(0, end - limit) : max(0, end)][::-1], len(self._rows)
        found = list(_having(reversed(self._rows), keyword, status))
        return found[first : first + limit], len(found)


def _having(
    documents: Iterable[StoredDocument], keyword: str, status: str
) -> Iterator[StoredDocument]:
    for document in documents:
        shown = "available" if document.indexed else "indexing"
        if keyword in document.name and status in {"", shown}:
            yield document
