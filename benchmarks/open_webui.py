"""A stub of the four calls that oikb makes of Open WebUI: its difference, clean-up, folder, upload.

A file is known by the hash that was uploaded with it.
"""

from __future__ import annotations

import json
import re
from typing import Any

from benchmarks.documents import identifier
from benchmarks.http_server import Reply, Request, reply

_METADATA = re.compile(rb'name="metadata"\r\n(?:[^\r\n]+\r\n)*\r\n(\{[^\r\n]*\})')


class OpenWebui:
    """Knows which hashes were uploaded.

    Args:
        knows_all: whatever it is asked to compare was uploaded before.
    """

    def __init__(self, *, knows_all: bool) -> None:
        self._knows_all = knows_all
        self._hashes: set[str] = set()
        self._made = 0

    def handle(self, request: Request) -> Reply:
        """Answer one of the calls."""
        route = request.path.rstrip("/").rpartition("/")[2]
        if route == "diff":
            body: Any = request.json()
            return self._difference(body["manifest"])
        if route == "files" and (found := _METADATA.search(request.body)):
            self._hashes.add(json.loads(found.group(1))["file_hash"])
        self._made += 1
        return reply({"id": identifier(7, self._made)})

    def _difference(self, manifest: list[dict[str, Any]]) -> Reply:
        known = self._hashes | {each["checksum"] for each in manifest if self._knows_all}
        new = [each for each in manifest if each["checksum"] not in known]
        folders = sorted({each["path"] for each in new if each["path"]})
        return reply(
            {
                "added": new,
                "unmodified_count": len(manifest) - len(new),
                "mkdir": folders,
                "directory_map": {},
            }
        )
