"""Which types are converted to Markdown, by which libraries, and in which versions.

The libraries come with the extra `convert`. Their versions and our own revision shape what is sent,
so they are part of the settings of the files that they touch, and of no others.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from kbsync.config.extra_packages import CONVERTED, ROWS, not_installed

EXTRA = "convert"
REVISION = 1
"""Of our own part of all conversions: a change of what comes out raises it."""


class Converter(NamedTuple):
    """How one type becomes Markdown.

    Args:
        module: the module of this package whose `markdown(file)` yields it.
        tags: its text may be Markdown already, with tags of HTML that are meant as such.
    """

    module: str
    tags: bool = False


CONVERTERS = {
    "pptx": Converter("slides"),
    "docx": Converter("word"),
    "xlsx": Converter("workbook"),
    "epub": Converter("book"),
    "odt": Converter("open_document"),
    "ipynb": Converter("notebook", tags=True),
    "eml": Converter("mail"),
    "msg": Converter("outlook"),
    "html": Converter("web"),
    "htm": Converter("web"),
    "pdf": Converter("pdf_pages"),
}


def needed(ending: str, *, rows: bool = False) -> tuple[str, ...]:
    """Return the packages that a type needs.

    Args:
        ending: its extension, lower case.
        rows: it is sent row by row.
    """
    return (ROWS if rows else CONVERTED)[ending]


@lru_cache(maxsize=64)
def missing(ending: str, *, rows: bool = False) -> tuple[str, ...]:
    """Return the packages that are not installed of those that a type needs."""
    return not_installed(needed(ending, rows=rows))


@lru_cache(maxsize=64)
def version(ending: str, *, rows: bool = False) -> str:
    """Return what decides how a type comes out, besides its bytes: revision and libraries."""
    libraries = (f"{each} {_version(each)}" for each in sorted(needed(ending, rows=rows)))
    return " ".join((f"{'rows' if rows else 'markdown'}-{REVISION}", *libraries))


def _version(package: str) -> str:
    # It takes a while to load, which only mirrors that convert need pay.
    from importlib.metadata import PackageNotFoundError  # noqa: PLC0415
    from importlib.metadata import version as installed  # noqa: PLC0415

    try:
        return installed(package)
    except PackageNotFoundError:
        return "none"
