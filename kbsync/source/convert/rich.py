"""A rich file becomes Markdown or rows, where the libraries for its type are installed."""

from __future__ import annotations

from typing import IO

from kbsync.config.extra_packages import installing
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.convert.converters import EXTRA, missing
from kbsync.source.convert.process import CONVERTING


def become(
    fd: int, ending: str, *, rows: int = 0, links: str = "", path: str = ""
) -> IO[bytes] | Notice:
    """Return what a file becomes, in a file at its end; or why it becomes nothing.

    Args:
        fd: its descriptor.
        ending: its extension, lower case.
        rows: characters of a row at most, where it is sent row by row; 0 for Markdown.
        links: the URL that relative links are rewritten to; empty to leave them.
        path: its key path.

    Raises:
        OSError: it cannot be read.
        MachineFault: there is no room for what comes out.
    """
    why = not_installed(ending, rows=rows > 0)
    return why or CONVERTING.text(fd, ending, rows=rows, links=links, path=path)


def not_installed(ending: str, *, rows: bool = False) -> Notice | None:
    """Return which libraries for a type are not installed, and how they are; None for none."""
    packages = missing(ending, rows=rows)
    if not packages:
        return None
    absent = ", ".join(packages)
    return says.NO_CONVERTER(kind=ending, missing=absent, **installing(EXTRA))
