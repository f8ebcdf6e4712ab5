"""What the engine needs to know of one mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kbsync.engine.ports import Chunking, Clock, Ledger, Remote, Source
from kbsync.planning.case import DecisionRules
from kbsync.planning.document_names import document_name, document_names
from kbsync.planning.guard import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """One folder, one knowledge base, and the settings that tie them.

    Args:
        server: the server's URL as the binding keeps it, without credentials.
        place: the source's path as the binding keeps it.
        base_name: the declared knowledge base by name, None when declared by id.
        base_id: the declared knowledge base by id.
        settings: hash of `chunking` and the converter, half of a fingerprint.
        window: the ambiguity window in seconds.
        settle: the settle window in seconds.
        max_indexing: documents the server may be indexing for us at once.
        swap: replace by creating beside and deleting the old one when done.
        requests_per_minute: the declared write limit, None for none.
        limits: how much one hour may remove and embed again unasked.
    """

    name: str
    source: Source
    server: str
    place: str
    chunking: Chunking
    settings: str
    base_name: str | None = None
    base_id: str | None = None
    prefix: str = ""
    window: float = 900.0
    settle: float = 1.0
    max_indexing: int = 20
    swap: bool = False
    prune: bool = True
    prune_excluded: bool = False
    repair_drift: bool = True
    requests_per_minute: int | None = None
    limits: Limits = field(default_factory=Limits)

    def document_name(self, path: str) -> str:
        """Return the name a document of `path` bears."""
        return document_name(path, prefix=self.prefix)

    def document_names(self, path: str) -> Iterator[str]:
        """Yield that name, then others for when a document of ours that moved still bears it."""
        return document_names(path, prefix=self.prefix)

    def rules(self, base_id: str) -> DecisionRules:
        """Return what the settings say about decisions on `base_id`."""
        return DecisionRules(
            base_id=base_id,
            settings=self.settings,
            repair_drift=self.repair_drift,
            prune=self.prune,
            prune_excluded=self.prune_excluded,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The three sides of a mirror and the time, tied to the base that was found for it.

    Args:
        base_id: None while the base is still to be made; then the server holds nothing of it.
        fields: ids of the base's metadata fields by name, as of this pass; None when documents
            carry no marks there.
        owner: the token under which this ledger marks the mirror's documents.
    """

    mirror: Mirror
    ledger: Ledger
    remote: Remote
    clock: Clock
    base_id: str | None
    fields: Mapping[str, str] | None = None
    owner: str = ""
