"""The mark: metadata fields that name the owner of a document (docs/design.md section 5)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from kbsync.model import Fingerprint, LedgerEntry, Mark, RemoteDocument

REV = "kbsync_rev"
MARKED = "kbsync_mirror"
_IDENTITY = (MARKED, "kbsync_path", "kbsync_fingerprint", REV)
OWNER = "kbsync_owner"
FIELDS = (*_IDENTITY, OWNER)


_IN_ORDER = json.JSONEncoder(sort_keys=True)


def is_marked(document: RemoteDocument) -> bool:
    """Whether `document` has a mark, and is no copy.

    A mark counts only with the rev it was written for: operators copy metadata in bulk, and the
    rev unmasks the copies.
    """
    values = document.metadata
    # Copied metadata, or an upload by another program since: either way it proves nothing.
    if not document.rev or values.get(REV) != document.rev:
        return False
    return all(values.get(name) is not None for name in _IDENTITY)


def mark_of(document: RemoteDocument) -> Mark | None:
    """Return the mark of `document`, None unless it `is_marked`. The owner may be missing."""
    if not is_marked(document):
        return None
    mirror, path, fingerprint, rev = (document.metadata[name] for name in _IDENTITY)
    content, _, settings = fingerprint.partition(":")
    return Mark(
        mirror=mirror,
        path=path,
        fingerprint=Fingerprint(content=content, settings=settings),
        rev=rev,
        owner=document.metadata.get(OWNER, ""),
    )


def mark_for(entry: LedgerEntry, owner: str) -> Mark | None:
    """Return the mark that the document of `entry` should carry, None while that is unknown.

    Args:
        entry: what the ledger says was sent.
        owner: the token under which its ledger marks documents.
    """
    if entry.fingerprint is None or not entry.rev:
        return None
    return Mark(
        mirror=entry.key.mirror,
        path=entry.key.path,
        fingerprint=entry.fingerprint,
        rev=entry.rev,
        owner=owner,
    )


def values_of(mark: Mark) -> dict[str, str]:
    """Return the metadata values that carry `mark`."""
    fingerprint = f"{mark.fingerprint.content}:{mark.fingerprint.settings}"
    values = (mark.mirror, mark.path, fingerprint, mark.rev, mark.owner)
    return dict(zip(FIELDS, values, strict=True))


def values_hash(values: Mapping[str, str]) -> str:
    """Return a hash of our fields among `values`; other fields do not count."""
    ours = {name: values[name] for name in FIELDS if name in values}
    return hashlib.sha256(_IN_ORDER.encode(ours).encode()).hexdigest()


def others_in(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of fields that are not ours."""
    return {name: value for name, value in values.items() if name not in FIELDS}
