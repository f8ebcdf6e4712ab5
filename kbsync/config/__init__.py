"""The configuration: YAML → frozen settings, with errors that name file, line and key."""

from kbsync.config.chunking import ChunkingSection, settings_hash
from kbsync.config.knowledge_base import KnowledgeBaseConfig
from kbsync.config.loading import Settings, load
from kbsync.config.machine_checks import check
from kbsync.config.mirror import MirrorConfig
from kbsync.config.notify import NotifyTarget
from kbsync.config.server import ServerConfig
from kbsync.config.types import LedgerAddress
from kbsync.config.web import WebConfig

__all__ = [
    "ChunkingSection",
    "KnowledgeBaseConfig",
    "LedgerAddress",
    "MirrorConfig",
    "NotifyTarget",
    "ServerConfig",
    "Settings",
    "WebConfig",
    "check",
    "load",
    "settings_hash",
]
