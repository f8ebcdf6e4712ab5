"""A mirror as a configuration file would declare it, for tests that need no file."""

from __future__ import annotations

from pathlib import Path

from kbsync.config import KnowledgeBaseConfig, MirrorConfig, ServerConfig

# As an ordinary server may index; one that may not is told to by a test of it.
MAX_INDEXING = ServerConfig.model_fields["max_indexing"].default


def mirror_config(source: Path | str = "/fake", **more: object) -> MirrorConfig:
    """Return a completed mirror called docs, with the defaults and `more`."""
    given = {"name": "docs", "knowledge_base": "Docs", "max_indexing": MAX_INDEXING, **more}
    return MirrorConfig(source=str(source), **given)  # type: ignore[arg-type]


def base_by_id(base_id: str) -> KnowledgeBaseConfig:
    """Return a knowledge base declared by an id that need be no UUID."""
    return KnowledgeBaseConfig.model_construct(id=base_id)
