"""The `chunking` section, as declared and as the engine wants it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from kbsync.config.types import WHOLE, Section
from kbsync.model import Chunking

# How long a chunk may be is the server's to say: `max_chunk_length`.
ChunkLength = Annotated[int, Field(ge=50), WHOLE]
Overlap = Annotated[int, Field(ge=0), WHOLE]
Separator = Annotated[str, Field(min_length=1, max_length=50)]
Language = Annotated[str, Field(min_length=1, max_length=255)]
ModelName = Annotated[str, Field(min_length=1, max_length=255)]
FORMS = {"text": "text_model", "qa": "qa_model", "hierarchical": "hierarchical_model"}


class Subchunks(Section):
    """The child chunks of hierarchical chunking."""

    separator: Separator = Field(default="\n", description="Text between two child chunks.")
    max_tokens: ChunkLength = Field(
        default=200,
        description="Longest child chunk, in characters; from 50 to the server's max_chunk_length.",
    )
    chunk_overlap: Overlap = Field(
        default=0, description="Characters two neighbouring child chunks share."
    )


class Reranking(Section):
    """The model that sorts what a search found."""

    provider: ModelName = Field(description="Provider, as the server lists it.")
    model: ModelName = Field(description="Model, as the server lists it.")


class Retrieval(Section):
    """How the base answers searches."""

    search_method: Literal[
        "keyword_search", "semantic_search", "full_text_search", "hybrid_search"
    ] = Field(description="Economy bases know keyword_search alone.")
    top_k: Annotated[int, Field(ge=1, le=100), WHOLE] = Field(
        default=3, description="Chunks a search returns."
    )
    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Least score of a chunk that is returned; null: no limit."
    )
    reranking: Reranking | None = Field(
        default=None, description="Model that sorts the chunks found; null: none."
    )

    def wire(self) -> Mapping[str, object]:
        """Return the server's retrieval model (docs/dify-api.md section 10)."""
        model: dict[str, object] = {
            "search_method": self.search_method,
            "reranking_enable": self.reranking is not None,
            "top_k": self.top_k,
            "score_threshold_enabled": self.score_threshold is not None,
        }
        if self.score_threshold is not None:
            model["score_threshold"] = self.score_threshold
        if self.reranking is not None:
            model["reranking_model"] = {
                "reranking_provider_name": self.reranking.provider,
                "reranking_model_name": self.reranking.model,
            }
        return model


class ChunkRule(Section):
    """How a document is cut into chunks: the server's process rule."""

    mode: Literal["automatic", "custom", "hierarchical"] = Field(
        default="automatic",
        description="automatic: the server's rule, 500 characters; custom; or hierarchical.",
    )
    separator: Separator = Field(
        default="\n\n", description="Text between two chunks; not for mode: automatic."
    )
    max_tokens: ChunkLength = Field(
        default=500,
        description="Longest chunk, in characters whatever its name; from 50 to the "
        "server's max_chunk_length; "
        "not for mode: automatic.",
    )
    chunk_overlap: Overlap = Field(
        default=50,
        description="Characters two neighbouring chunks share; not for mode: automatic.",
    )
    remove_extra_spaces: bool = Field(
        default=True, description="Join runs of blanks; not for mode: automatic."
    )
    remove_urls_emails: bool = Field(
        default=False, description="Drop URLs and mail addresses; not for mode: automatic."
    )
    parent_mode: Literal["paragraph", "full-doc"] = Field(
        default="paragraph", description="What a parent chunk is; only for mode: hierarchical."
    )
    subchunks: Subchunks = Field(
        default_factory=Subchunks, description="Child chunks; only for mode: hierarchical."
    )

    def process_rule(self) -> Mapping[str, object]:
        """Return the process rule to send (docs/dify-api.md section 4.5)."""
        if self.mode == "automatic":
            return {"mode": "automatic"}
        rules: dict[str, object] = {
            "pre_processing_rules": [
                {"id": "remove_extra_spaces", "enabled": self.remove_extra_spaces},
                {"id": "remove_urls_emails", "enabled": self.remove_urls_emails},
            ],
            "segmentation": _segmentation(self),
        }
        if self.mode == "hierarchical":
            rules["parent_mode"] = self.parent_mode
            rules["subchunk_segmentation"] = _segmentation(self.subchunks)
        return {"mode": self.mode, "rules": rules}


class ChunkingSection(ChunkRule):
    """What shapes the chunks of a mirror's documents, and the base made for them."""

    form: Literal["text", "qa", "hierarchical"] | None = Field(
        default=None,
        description="text, qa (needs a working language model) or hierarchical; "
        "null: what the mode asks for.",
    )
    language: Language = Field(
        default="English", description="Language of the documents, in the server's words."
    )
    indexing_technique: Literal["economy", "high_quality"] = Field(
        default="economy",
        description="economy: keywords; high_quality: embeddings. "
        "A base that has documents keeps what it has.",
    )
    embedding_model: ModelName | None = Field(
        default=None, description="Only for high_quality; null: the server's default model."
    )
    embedding_provider: ModelName | None = Field(
        default=None, description="Provider of embedding_model, as the server lists it."
    )
    retrieval: Retrieval | None = Field(
        default=None,
        description="How the base answers searches; null: left as it is, and when it is made "
        "keyword_search for economy, the server's default for high_quality.",
    )

    @property
    def server_form(self) -> str:
        """The form in the server's words."""
        return FORMS[self.form or ("hierarchical" if self.mode == "hierarchical" else "text")]

    def declared(self) -> Chunking:
        """Return what the engine and the remote want to know."""
        economy = self.indexing_technique == "economy"
        # Without one an economy base searches by meaning, and finds nothing (section 10).
        fallback = Retrieval(search_method="keyword_search") if economy else None
        retrieval = self.retrieval or fallback
        return Chunking(
            process_rule=self.process_rule(),
            form=self.server_form,
            language=self.language,
            technique=self.indexing_technique,
            embedding_model=self.embedding_model,
            embedding_provider=self.embedding_provider,
            retrieval=retrieval.wire() if retrieval else None,
        )


def _segmentation(section: ChunkRule | Subchunks) -> Mapping[str, object]:
    return {
        "separator": section.separator,
        "max_tokens": section.max_tokens,
        "chunk_overlap": section.chunk_overlap,
    }


def settings_hash(chunking: Chunking, convert: str) -> str:
    """Return the sha256 (hex) of what shapes a document's chunks: a fingerprint's `settings`.

    Technique, embedding model and retrieval are no part of it: the server keeps those per base,
    so a document sent again would come out the same.

    Args:
        chunking: as declared.
        convert: the mirror's conversion, ``utf-8`` or ``none``.
    """
    shaping = {
        "convert": convert,
        "form": chunking.form,
        "language": chunking.language,
        "process_rule": chunking.process_rule,
    }
    canonical = json.dumps(shaping, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
