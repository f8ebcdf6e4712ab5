"""The metadata of one document on its way to the server, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model import Declared, DocKey, Mark, RemoteDocument, Stat
from kbsync.model.document_rule import MetadataValue
from kbsync.planning.marks import others_in, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkResult:
    """Metadata that came back, or did not.

    Args:
        asked: a decision asked for it (row T14); otherwise it belongs to an upload.
        why: None when all of it came back.
        again: something else of the document may be left to do.
    """

    key: DocKey
    document_id: str
    asked: bool
    why: Notice | None = None
    again: bool = False


@dataclass(slots=True, kw_only=True)
class MarkRequest:
    """The metadata of one document on its way: its mark, and what is declared.

    Args:
        declared: what is declared now; None where it is as recorded.
        wanted: every field that is kbsync's beside the mark, None for a value to be taken away.
        others: foreign values on the document; None when they are not known.
        since: when it was asked for, or written.
        stat: of the file, where it was read and is the one that was sent.
        failures: read-backs in vain.
        awaited: a decision asked for it while it was on its way.
        refused: fields that cannot be written, each with what is said of it.
    """

    key: DocKey
    document_id: str
    mark: Mark
    declared: Declared | None
    wanted: Mapping[str, MetadataValue | None]
    others: Mapping[str, str] | None
    since: float
    asked: bool
    stat: Stat | None = None
    failures: int = 0
    awaited: bool = False
    refused: dict[str, Notice] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, MetadataValue | None]:
        """What the document should carry once it is written."""
        return {**self.texts, **self.writable}

    @property
    def texts(self) -> dict[str, str]:
        """Its mark, and what others wrote on it."""
        return {**(self.others or {}), **values_of(self.mark)}

    @property
    def writable(self) -> dict[str, MetadataValue | None]:
        """What is wanted of fields that can be written."""
        return {name: value for name, value in self.wanted.items() if name not in self.refused}

    def kind_of(self, name: str) -> str | None:
        """Return the type of a declared value, None where it is not known any more."""
        value = self.declared.values.get(name) if self.declared else None
        return value.kind if value else None

    def is_for(self, mark: Mark, wanted: Mapping[str, MetadataValue | None] | None) -> bool:
        """Whether it writes `mark`, and `wanted` as far as that is said."""
        return self.mark == mark and wanted in (None, self.wanted)

    def foreign(self, document: RemoteDocument) -> dict[str, str]:
        """Return the values of `document` that others wrote."""
        others = others_in(document.metadata)
        return {name: value for name, value in others.items() if name not in self.wanted}
