"""What a server is too old for, in words: said before anything is sent to it."""

from __future__ import annotations

from collections.abc import Iterator

from kbsync.config import MirrorConfig
from kbsync.messages import Notice
from kbsync.messages import engine as engine_say
from kbsync.messages import remote as say
from kbsync.model import Capabilities, Capability
from kbsync.model.capabilities import OLDEST, text_of


def too_old(url: str, able: Capabilities) -> Notice:
    """Return the refusal of a server that no way of kbsync works with (`able.too_old`)."""
    return say.TOO_OLD(url=url, version=able.version, oldest=text_of(OLDEST))


def undone(config: MirrorConfig, able: Capabilities) -> Iterator[Notice]:
    """Yield what is declared of a mirror's documents and cannot be done on this server."""
    declared = [config.metadata, config.front_matter]
    declared += [each for rule in config.rules for each in (rule.metadata, rule.front_matter)]
    if Capability.METADATA not in able and any(declared):
        yield engine_say.METADATA_UNSUPPORTED(mirror=config.name)
    if Capability.SWITCH not in able and any(rule.enabled is not None for rule in config.rules):
        yield engine_say.SWITCH_UNSUPPORTED(mirror=config.name)


def losses(url: str, able: Capabilities) -> Iterator[Notice]:
    """Yield what is lost on this server, one notice each; none for one that has everything."""
    if able.version is None and able.unknown:
        yield say.UNTOLD(url=url)
    version = able.version or "not told"
    for loss in able.losses:
        yield say.LOSES(url=url, version=version, loss=loss)
