"""What the server can do: from its version, and from routes that are not there."""

from __future__ import annotations

import re
from dataclasses import replace

from kbsync.dify.request import ApiReply
from kbsync.messages import printable
from kbsync.model import Capabilities

VERSION_HEADER = "x-version"
LONGEST_VERSION = 60
# Their update task waits for itself for ever (docs/dify-api.md section 5).
WEDGING = frozenset({"1.12.0", "1.12.1"})


def of_version(version: str | None) -> Capabilities:
    """Return what is known of a version before anything was tried.

    A version that is not known is taken for a current one without faults.
    """
    numbers = _numbers(version)
    return Capabilities(
        version=version,
        # 0.9 made a second document of the same name (docs/design.md section 5).
        merges_by_name=numbers is None or numbers >= (1, 0, 0),
        update_wedges=numbers is not None and ".".join(map(str, numbers)) in WEDGING,
    )


def _numbers(version: str | None) -> tuple[int, int, int] | None:
    found = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version or "")
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


class Observed:
    """The capabilities as of the last reply.

    Attributes:
        now: what the server can do.
        date: the `Date` header of the last reply; None without one.
    """

    def __init__(self) -> None:
        self.now = of_version(None)
        self.date: str | None = None

    def see(self, reply: ApiReply) -> None:
        """Take the version of a reply; another version may have the routes the old one lacked."""
        self.date = reply.headers.get("date")
        # Every reply has the header, refusals too: an upgrade is noticed with the next call.
        version = printable(reply.headers.get(VERSION_HEADER, ""))[:LONGEST_VERSION]
        if version and version != self.now.version:
            self.now = of_version(version)

    def lacks_metadata(self) -> None:
        """Note that the metadata routes are not there."""
        self.now = replace(self.now, metadata=False)
