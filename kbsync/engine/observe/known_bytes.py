"""What a file's own bytes became when they were sent: unchanged ones are not converted again."""

from __future__ import annotations

from kbsync.engine.ports import Known
from kbsync.model import LedgerEntry


def known_of(entry: LedgerEntry | None, settings: str) -> Known | None:
    """Return what is known of the bytes of an entry's file.

    Args:
        entry: what was sent.
        settings: what shapes a document of that path today: what was sent under others may come
            out differently.
    """
    if entry is None or entry.source is None or entry.fingerprint is None:
        return None
    if entry.fingerprint.settings != settings:
        return None
    return Known(source=entry.source, content=entry.fingerprint.content)
