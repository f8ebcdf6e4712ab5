"""The configuration: YAML → frozen settings, with errors that name file, line and key."""

from kbsync.config.chunking import ChunkingSection, settings_hash
from kbsync.config.disk import check
from kbsync.config.ledgerplace import LedgerPlace
from kbsync.config.loading import load
from kbsync.config.mirror import KnowledgeBase, Mirror
from kbsync.config.server import Server
from kbsync.config.settings import Settings

__all__ = [
    "ChunkingSection",
    "KnowledgeBase",
    "LedgerPlace",
    "Mirror",
    "Server",
    "Settings",
    "check",
    "load",
    "settings_hash",
]
