"""The name of a sidecar: FILE.kbsync.yaml, which says something of the document of FILE."""

from __future__ import annotations

from kbsync.model.declared import SIDECAR


def described_by(name: str) -> str | None:
    """Return the name of the file that a sidecar called `name` is about, None if it is none."""
    return name[: -len(SIDECAR)] or None if name.endswith(SIDECAR) else None
