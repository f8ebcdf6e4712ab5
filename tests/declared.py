"""A mirror as a configuration file would declare it, for tests that need no file."""

from __future__ import annotations

from pathlib import Path

from kbsync.config import KnowledgeBaseConfig, MirrorConfig, ServerConfig
from kbsync.model import DocumentRule, OneRule

# As an ordinary server may index; one that may not is told to by a test of it.
MAX_INDEXING = ServerConfig.model_fields["max_indexing"].default


def mirror_config(source: Path | str = "/fake", **more: object) -> MirrorConfig:
    """Return a completed mirror called docs, with the defaults and `more`."""
    given = {"name": "docs", "knowledge_base": "Docs", "max_indexing": MAX_INDEXING, **more}
    return MirrorConfig(source=str(source), **given)  # type: ignore[arg-type]


def base_by_id(base_id: str) -> KnowledgeBaseConfig:
    """Return a knowledge base declared by an id that need be no UUID."""
    return KnowledgeBaseConfig.model_construct(id=base_id)


def one_rule(settings: str, config: MirrorConfig | None = None, **more: object) -> OneRule:
    """Return the rule of every path of a mirror, with a hash of our own for its settings."""
    declared = config or mirror_config()
    alike = ("encoding", "on_delete", "trash_for", "update_strategy")
    given = {**{key: getattr(declared, key) for key in alike}, **more}
    # The section itself: what is computed of it once would stay when a test declares another.
    chunking = declared.chunking.declared()
    return OneRule(DocumentRule(settings=settings, chunking=chunking, **given))  # type: ignore[arg-type]
