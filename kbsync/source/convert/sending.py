"""How a file is sent by its type: what a `send` takes, and what of it shapes what comes out."""

from __future__ import annotations

from kbsync.config.extra_packages import ROWS
from kbsync.source.convert import links
from kbsync.source.convert.converters import CONVERTERS, version

FILE, TEXT, CONVERTED, BY_ROWS = "file", "text", "converted", "rows"
LINKED = frozenset({"html", "htm", "ipynb"})
"""Types whose links stand for files beside them, and are kept when they are converted."""


def sent_as(send: str, ending: str) -> str:
    """Return how a file is sent: ``file`` where its type is none that `send` takes.

    Args:
        send: as declared.
        ending: its extension, lower case.
    """
    taken = {
        TEXT: ending != "txt",  # that is what the others become
        CONVERTED: ending in CONVERTERS,
        BY_ROWS: ending in ROWS,
    }
    return send if taken.get(send, False) else FILE


def cut_here(send: str, ending: str) -> bool:
    """Whether a file can be cut into chunks here: what is sent of it is a text.

    Args:
        send: as `sent_as` returns.
        ending: its extension, lower case.
    """
    return send != FILE or ending == "txt" or ending in links.MARKDOWN


def links_in(send: str, ending: str) -> str:
    """Return what a file's links are written in when it is sent: ``markdown``, ``html`` or none.

    Args:
        send: as `sent_as` returns.
        ending: its extension, lower case.
    """
    if send == CONVERTED:
        return "markdown" if ending in LINKED else ""
    if send == BY_ROWS:
        return ""
    if ending in links.MARKDOWN:
        return "markdown"
    return "html" if ending in links.HTML else ""


def shaping(send: str, ending: str, base: str | None) -> str:
    """Return what shapes a file's text besides its bytes, for its settings; empty for nothing.

    Args:
        send: as `sent_as` returns.
        ending: its extension, lower case.
        base: the URL that links are rewritten to.
    """
    found = []
    if send == TEXT:
        found.append(TEXT)
    elif send in (CONVERTED, BY_ROWS):
        found.append(version(ending, rows=send == BY_ROWS))
    if base and links_in(send, ending):
        found.append(f"links-{links.REVISION} {base}")
    return " ".join(found)
