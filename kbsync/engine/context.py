"""What the engine needs to know of one mirror."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field, replace

from kbsync.config import MirrorConfig, ServerConfig
from kbsync.engine.group_commit import GroupCommit
from kbsync.engine.indexing_room import IndexingRoom
from kbsync.engine.ports import Clock, Ledger, Remote, Source
from kbsync.lazy_dataclass import dataclass
from kbsync.model import Base, Capability, DocKey, DocumentRule, DocumentRules
from kbsync.model.document_rule import SUFFIXES
from kbsync.planning.case import DecisionRules
from kbsync.planning.document_names import document_name, document_names
from kbsync.planning.path_range import WHOLE, PathScope


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """One folder and one knowledge base: what is declared of them, and what goes with it.

    Args:
        config: the mirror as declared, completed by `kbsync.config.load`.
        server: its server as declared.
        source: its folder.
        document_rules: what the document of each path becomes.
        prune_excluded: delete what the filters leave out now; asked for by a verb.
        prune_stale: delete what stands for files that cannot be sent as they are, likewise.
        empty_trash: delete what is in the trash, likewise.
        scope: which part of the folder is compared.
    """

    config: MirrorConfig
    server: ServerConfig
    source: Source
    document_rules: DocumentRules
    prune_excluded: bool = False
    prune_stale: bool = False
    empty_trash: bool = False
    scope: PathScope = WHOLE

    @property
    def name(self) -> str:
        """The name it is declared under."""
        return self.config.name

    @property
    def prunes(self) -> bool:
        """Whether a verb asked for removals that other passes do not make."""
        return self.prune_excluded or self.prune_stale or self.empty_trash

    def document_name(self, path: str) -> str:
        """Return the name a document of `path` bears."""
        return document_name(path + self.rule_of(path).suffix, prefix=self.config.prefix)

    def document_names(self, path: str) -> Iterator[str]:
        """Yield that name, then others for when a document of ours that moved still bears it."""
        return document_names(path + self.rule_of(path).suffix, prefix=self.config.prefix)

    def paths_alike(self, path: str) -> Iterator[str]:
        """Yield the other paths whose document would bear the same name as that of `path`.

        What is sent as text, converted or in rows is called as a file of that type would be.
        """
        suffix = self.rule_of(path).suffix
        if suffix and not self.rule_of(path + suffix).suffix:
            yield path + suffix
        for ending in SUFFIXES:
            shorter = path.removesuffix(ending)
            if shorter not in ("", path) and self.rule_of(shorter).suffix == ending:
                yield shorter

    def rule_of(self, path: str) -> DocumentRule:
        """Return what the document of `path` becomes."""
        return self.document_rules.of(path)

    def decision_rules(self, base_id: str, path: str) -> DecisionRules:
        """Return what decisions on a document of `path` in `base_id` go by."""
        return DecisionRules(
            base_id=base_id,
            rule=self.rule_of(path),
            config=self.config,
            prune_excluded=self.prune_excluded,
            prune_stale=self.prune_stale,
            empty_trash=self.empty_trash,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The three sides of a mirror and the time, tied to the base that was found for it.

    Args:
        base_id: None while the base is still to be made; then the server holds nothing of it.
        fields: ids of the base's metadata fields by name, as of this pass; None when documents
            carry no marks there.
        owner: the token under which this ledger marks the mirror's documents.
        pipeline: a pipeline of the base makes the documents. It never writes over one: every
            update is a second document.
        promised: the sha256 (hex) that an upload of a key has to have, where it was agreed to.
        technique: of the base; None while it has no document, and then the declared one counts.
        base: as it was found; None while it is still to be made.
        room: what is on its way to the base; every mirror on it has the same.
        commits: writes down together what is to be written at the same moment.
    """

    mirror: Mirror
    ledger: Ledger
    remote: Remote
    clock: Clock
    base_id: str | None
    fields: Mapping[str, str] | None = None
    owner: str = ""
    pipeline: bool = False
    promised: Mapping[DocKey, str] = field(default_factory=dict)
    technique: str | None = None
    base: Base | None = None
    room: IndexingRoom = field(default_factory=IndexingRoom)
    commits: GroupCommit = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "commits", GroupCommit(self.ledger))

    def decision_rules(self, path: str) -> DecisionRules:
        """Return what decisions on a document of `path` go by, as far as this server can."""
        return replace(
            self.mirror.decision_rules(self.base_id or "", path),
            switches=Capability.SWITCH in self.remote.capabilities,
            metadata=self.fields is not None,
        )

    @property
    def economy(self) -> bool:
        """Whether the base is searched by keywords."""
        declared = self.mirror.config.declared_chunking.technique
        return (self.technique or declared) != "high_quality"

    @property
    def loses_keywords(self) -> bool:
        """Whether the server loses what is indexed at the same time in the base from search."""
        return self.economy and Capability.KEEPS_KEYWORDS not in self.remote.capabilities

    @property
    def most_indexing(self) -> int:
        """How many documents may be in flight; what the mirror declares wins."""
        server = 1 if self.loses_keywords else self.mirror.server.max_indexing
        return self.mirror.config.max_indexing or server

    @property
    def declares_room(self) -> bool:
        """Whether that is what was declared, or what the server bears, and not the default."""
        mirror, server = self.mirror.config, self.mirror.server
        declared = mirror.max_indexing is not None or "max_indexing" in server.model_fields_set
        return declared or self.loses_keywords
