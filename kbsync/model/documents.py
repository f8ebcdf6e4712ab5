"""What is at the server: bases and documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model.base_settings import BaseSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunking:
    """The declared settings of a mirror's chunks, and of the base that is made for them.

    Args:
        process_rule: as the contract's section 4.5.
        form: ``text_model``, ``hierarchical_model`` or ``qa_model``.
        language: the server's ``doc_language``.
        technique: ``economy`` or ``high_quality``.
        retrieval: the base's retrieval model, None to leave the server's default.
    """

    process_rule: Mapping[str, object]
    form: str = "text_model"
    language: str = "English"
    technique: str = "economy"
    embedding_model: str | None = None
    embedding_provider: str | None = None
    retrieval: Mapping[str, object] | None = None


class Readiness(StrEnum):
    """A document's display status, reduced to what decides (contract section 1.5)."""

    WAITING = "waiting"
    INDEXING = "indexing"
    PAUSED = "paused"
    ERROR = "error"
    AVAILABLE = "available"
    DISABLED = "disabled"
    ARCHIVED = "archived"

    @property
    def busy(self) -> bool:
        """True while the server still works on it."""
        return self in (Readiness.WAITING, Readiness.INDEXING, Readiness.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDocument:
    """A document as the server shows it.

    Args:
        rev: `data_source_info.upload_file_id`, new at every upload; its own id where a pipeline
            made it.
        word_count: None until indexed; changes when chunks are edited.
        size: bytes of the upload (characters for text uploads), None if unknown.
        metadata: custom fields by name; empty when never assigned.
        error: the server's sentence when `readiness` is ERROR.
        enabled: the switch itself, whatever the readiness.
        unreadable: that error is the file's own, and the same whenever it is sent.
        archived: it was put away by hand, which `readiness` says only once indexing is over. A
            listing that was stored does not know it.
        tokens: of its chunks, counted when the last one is embedded; None if unknown. A listing
            that was stored does not know them.
    """

    id: str
    name: str
    rev: str
    word_count: int | None
    readiness: Readiness
    size: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    enabled: bool = True
    unreadable: bool = False
    archived: bool = False
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """One page of a listing: its rows, and the server's total."""

    documents: tuple[RemoteDocument, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """The bytes a document was made of, as the server gives them out.

    Args:
        content: sha256 (hex) of what came; empty where there is more than was to be read.
        size: how many bytes came.
        declared: how many the server announced, None when it did not.
        whole: false when they ended before that, or were not read to their end.
    """

    content: str
    size: int
    declared: int | None = None
    whole: bool = True

    @property
    def ended_early(self) -> bool:
        """Whether fewer bytes came than the server announced."""
        return not self.whole and bool(self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Indexing progress of one document: chunks done and chunks in all (contract 6.1)."""

    readiness: Readiness
    completed: int
    total: int
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A chunk of a document.

    Args:
        keywords: what a search by keywords finds it by; none in a base of high quality.
        searched: searches look at it: it is complete and enabled.
    """

    id: str
    text: str
    keywords: tuple[str, ...] = ()
    searched: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPage:
    """One page of a document's chunks, and how many it has in all."""

    chunks: tuple[Chunk, ...]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A chunk that a search found; `keywords`: as far as the server tells them."""

    id: str
    document_id: str
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchProof:
    """Whether searches find a document, which its being completed does not prove.

    Args:
        found: every chunk that was asked for came back; False where one did not, None where no
            search can tell: there is no word to ask by, or too many others carry the same.
        asked: how many of its chunks were asked for.
        chunks: how many it has.
    """

    found: bool | None
    asked: int
    chunks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A knowledge base as far as a mirror needs it.

    Args:
        mode: ``general`` or ``pipeline``; ``external`` takes no documents.
        technique: ``economy`` or ``high_quality``; None until its first document.
        form: ``text_model``, ``hierarchical_model`` or ``qa_model``; None until its first document.
        refusal: why its pipeline cannot be run by kbsync; None where it can, or there is none.
        settings: its own settings, as far as the server tells them.
    """

    id: str
    name: str
    documents: int
    technique: str | None = None
    form: str | None = None
    mode: str = "general"
    refusal: Notice | None = None
    settings: BaseSettings = field(default_factory=BaseSettings)

    @property
    def has_pipeline(self) -> bool:
        """Whether a pipeline makes its documents of files."""
        return self.mode == "pipeline"
