"""FILE.kbsync.yaml beside FILE: metadata of its document, and whether searches look at it."""

from __future__ import annotations

import errno
import hashlib
import os

from kbsync.config.metadata_values import why_no_field
from kbsync.messages import source as says
from kbsync.model import Sidecar, Typed
from kbsync.model.declared import SIDECAR
from kbsync.source.file_names import component
from kbsync.source.openat import GONE, REPLACED, open_folder, os_reason
from kbsync.source.payload import OpenFile, open_file
from kbsync.source.yaml_fields import NotUsableError, boolean, entries, mapping_of, typed

LARGEST, MOST = 1 << 18, 10_000
_KEYS = ("metadata", "enabled")


class Sidecars:
    """Reads sidecars, each state of one once. Safe to use from many threads."""

    def __init__(self) -> None:
        self._read: dict[tuple[int, ...], Sidecar] = {}

    def of(self, root: int, named: tuple[str, ...]) -> Sidecar | None:
        """Return what the sidecar of a file says, None where there is none.

        Args:
            root: descriptor of the source.
            named: the real names that lead to the file's own name, which may be a link.
        """
        try:
            with open_file(root, (*named[:-1], _name(root, named))) as file:
                return self._of(file, named)
        except OSError as error:
            # The file's own name may leave no room for the sidecar's.
            if error.errno in (*GONE, errno.ENAMETOOLONG):
                return None
            # A folder or a link of that name is no file of kbsync's.
            cause = "it is no file" if error.errno in REPLACED else os_reason(error)
            return _unusable(named, b"", cause)

    def _of(self, file: OpenFile, named: tuple[str, ...]) -> Sidecar:
        known = self._read.get(file.identity)
        if known is not None:
            return known
        found = _parsed(os.pread(file.fd, LARGEST + 1, 0), named)
        # One that was written a moment ago may be written again within the same tick.
        if file.rested and found.fault is None:
            if len(self._read) >= MOST:
                self._read.clear()
            self._read[file.identity] = found
        return found


def _name(root: int, named: tuple[str, ...]) -> str:
    """Return the sidecar's name as the disk has it: its letters may be composed differently."""
    name = named[-1] + SIDECAR
    if name.isascii():
        return name
    with open_folder(root, named[:-1]) as folder:
        alike = [each for each in os.listdir(folder) if component(each) == component(name)]
    return name if name in alike or not alike else alike[0]


def _unusable(named: tuple[str, ...], data: bytes, cause: str) -> Sidecar:
    name = component(named[-1]) + SIDECAR
    fault = says.SIDECAR_BROKEN(name=name, cause=cause)
    return Sidecar(digest=_digest(data), fault=fault)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _parsed(data: bytes, named: tuple[str, ...]) -> Sidecar:
    try:
        return _said(data)
    except NotUsableError as error:
        return _unusable(named, data, str(error))


def _said(data: bytes) -> Sidecar:
    if len(data) > LARGEST:
        raise NotUsableError(f"it has more than {LARGEST} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotUsableError("it is not UTF-8") from None
    top = mapping_of(text)
    for key, node in top.items():
        if key not in _KEYS:
            raise NotUsableError(f"line {node.line}: metadata and enabled are its only keys")
    metadata: dict[str, Typed | None] = {}
    for name, node in entries(top["metadata"]).items() if "metadata" in top else ():
        if why := why_no_field(name):
            raise NotUsableError(f"line {node.line}: the name of a field is wanted; {why}")
        metadata[name] = typed(node, quoted_times=False)
    enabled = boolean(top["enabled"]) if "enabled" in top else None
    return Sidecar(digest=_digest(data), metadata=metadata, enabled=enabled)
