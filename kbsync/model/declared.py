"""Metadata that is declared of a document, and what of a file it is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal, NamedTuple

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model.document_rule import MetadataValue
from kbsync.model.files import Stat

SIDECAR = ".kbsync.yaml"
"""What the name of a sidecar ends with: FILE.kbsync.yaml stands beside FILE."""
UNSETTLED = "?"
"""A profile that no document agrees with, so that it is looked at again."""
OFF = "/off"
"""What a profile ends with where the document is disabled because that is declared."""

Kind = Literal["string", "number", "time"]


class Typed(NamedTuple):
    """A metadata value and the type of its field; a time is in seconds since the epoch."""

    kind: Kind
    value: MetadataValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """What the file beside a file says of its document.

    Args:
        digest: of its bytes; another one than the entry's makes the document be looked at again.
        metadata: values by field; None takes a field of less weight away.
        enabled: whether searches look at the document; None where it does not say.
        fault: why it cannot be used; then nothing of it is known.
    """

    digest: str
    metadata: Mapping[str, Typed | None] = field(default_factory=dict)
    enabled: bool | None = None
    fault: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What of a file becomes metadata.

    Args:
        stat: the file's when this was read.
        owner: name of the user who owns it, or the number of one who has no name.
        front_matter: the chosen fields of its front matter, None for a field without a value.
        fault: why its front matter cannot be used.
    """

    stat: Stat
    owner: str
    front_matter: Mapping[str, Typed | None] = field(default_factory=dict)
    fault: Notice | None = None


class DeclaredValue(NamedTuple):
    """A value of one field, and where it comes from, in words."""

    kind: Kind
    value: MetadataValue
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What is declared of a document beside its chunks, resolved for its file as it is now.

    Args:
        values: by field.
        stat: of the file that they were resolved for.
        profile: what a document agrees with that has them (`LedgerEntry.profile`).
        enabled: whether searches are to look at it; None where that is left to the server.
        switch_origin: where that comes from, in words.
        fault: why this is not known; then the document keeps what it has.
        conflicts: fields that the server has with another type, each with what is said of it.
    """

    values: Mapping[str, DeclaredValue] = field(default_factory=dict)
    stat: Stat | None = None
    profile: str = ""
    enabled: bool | None = None
    switch_origin: str = ""
    fault: Notice | None = None
    conflicts: Mapping[str, Notice] = field(default_factory=dict)

    @property
    def is_all(self) -> bool:
        """Whether a document that has the values is as declared: nothing else is left to do."""
        return self.fault is None and not self.conflicts and self.enabled is None
