"""The mark: four metadata fields by which a document says whose it is (design, section 5)."""

from __future__ import annotations

from kbsync.model import Fingerprint, Mark, RemoteDocument

MIRROR, PATH, FINGERPRINT, REV = FIELDS = (
    "kbsync_mirror",
    "kbsync_path",
    "kbsync_fingerprint",
    "kbsync_rev",
)


def mark_of(document: RemoteDocument) -> Mark | None:
    """Return the mark of `document`, None when it has none or it is a copy.

    A mark counts only with the rev it was written for: operators copy metadata in bulk, and the
    rev unmasks the copies.
    """
    values = [document.metadata.get(name) for name in FIELDS]
    if any(value is None for value in values):
        return None
    mirror, path, fingerprint, rev = (str(value) for value in values)
    if rev != document.rev:
        return None
    content, _, settings = fingerprint.partition(":")
    return Mark(
        mirror=mirror,
        path=path,
        fingerprint=Fingerprint(content=content, settings=settings),
        rev=rev,
    )


def values_of(mark: Mark) -> dict[str, str]:
    """Return the metadata values that carry `mark`."""
    fingerprint = f"{mark.fingerprint.content}:{mark.fingerprint.settings}"
    return dict(zip(FIELDS, (mark.mirror, mark.path, fingerprint, mark.rev), strict=True))
