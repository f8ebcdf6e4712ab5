"""The words both halves of the fake world use: names, hashes, time."""

from __future__ import annotations

import hashlib

import anyio

from kbsync.messages import Message
from kbsync.model import DocKey, Fingerprint

MIRROR = "docs"
BASE = "base-1"
SETTINGS = "settings-1"
EPOCH = 1_000_000.0
WHY = Message("KB-T001", "{what}")(what="a test said so")


def key_of(path: str) -> DocKey:
    return DocKey(mirror=MIRROR, path=path)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def fingerprint_of(content: bytes) -> Fingerprint:
    return Fingerprint(content=sha(content), settings=SETTINGS)


class VirtualClock:
    """The event loop's own time, moved away from zero."""

    def now(self) -> float:
        return EPOCH + anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)
