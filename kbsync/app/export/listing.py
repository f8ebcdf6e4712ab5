"""One document of a base as an export keeps it, made of its row in the server's listing. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from kbsync.dify.schemas import BUILT_IN, Document, MetadataValue
from kbsync.dify.to_model import document as as_remote
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Readiness
from kbsync.model.file_types import extension
from kbsync.planning.marks import FIELDS

MIRROR_OF_MARK, PATH_OF_MARK = FIELDS[:2]
OWN = "kbsync_"
UPLOADED = "upload_file"

Typed = tuple[str, str, str | int | float]
"""Name, type (``string``, ``number`` or ``time``) and value of a metadata field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDocument:
    """A document of the listing.

    Args:
        rev: of its file; empty where it is made of none.
        size: of its file in bytes, of a text in characters; None where it is not told.
        extension: of its file.
        form: of its chunks.
        searched: it is neither disabled nor archived.
        state: what the server does with it, in one word.
        error: the server's sentence about it.
        metadata: values that people gave it.
        marked: the path that its mark names.
        mirror: the mirror that its mark names.
        has_file: it may have been made of a file or a text.
        rule_id: of its process rule.
    """

    id: str
    name: str
    rev: str
    size: int | None
    extension: str | None
    form: str | None
    searched: bool
    state: str
    error: str | None
    metadata: tuple[Typed, ...]
    marked: str | None
    mirror: str | None
    has_file: bool
    rule_id: str | None

    @property
    def by_text(self) -> bool:
        """Whether it was surely made of a text: servers keep that as a ``.txt`` of any name."""
        return self.extension == "txt" and extension(self.name) != "txt"

    @property
    def busy(self) -> bool:
        """Whether the server still works on it."""
        return Readiness(self.state).busy

    def packed(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def unpacked(cls, line: str) -> ListedDocument:
        """Return what was packed."""
        found = json.loads(line)
        return cls(**{**found, "metadata": tuple(map(tuple, found["metadata"]))})


def listed(row: Document) -> ListedDocument:
    """Return a row of the listing as it is kept."""
    known = as_remote(row)
    return ListedDocument(
        id=row.id,
        name=row.name,
        rev=row.rev,
        size=row.size,
        extension=row.extension,
        form=row.form,
        searched=row.enabled and not row.archived,
        state=str(known.readiness),
        error=row.error,
        metadata=_given(row.metadata),
        marked=known.metadata.get(PATH_OF_MARK),
        mirror=known.metadata.get(MIRROR_OF_MARK),
        has_file=row.source_type in (None, UPLOADED),
        rule_id=row.rule_id,
    )


def _given(values: tuple[MetadataValue, ...]) -> tuple[Typed, ...]:
    """Return the values that people gave it."""
    found: Mapping[str, Typed] = {
        each.name: (each.name, each.type, each.value)
        for each in values
        if each.id != BUILT_IN and of_people(each.name) and each.value is not None
    }
    return tuple(found.values())


def of_people(field: str) -> bool:
    """Whether a field is none of a mark, and has a name that can be declared."""
    return bool(field.strip()) and not field.startswith(OWN)
