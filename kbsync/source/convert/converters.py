"""Which types are converted to Markdown, by which libraries, and in which versions.

The libraries come with the extra `convert`. Their versions and our own revision shape what is sent,
so they are part of the settings of the files that they touch, and of no others.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from typing import NamedTuple

EXTRA = "convert"
REVISION = 1
"""Of our own part of all conversions: a change of what comes out raises it."""

_HTML = {"markdownify": "markdownify", "beautifulsoup4": "bs4"}


class Converter(NamedTuple):
    """How one type becomes Markdown.

    Args:
        module: the module of this package whose `markdown(file)` yields it.
        libraries: the package of each library it needs, and the module that is imported.
        tags: its text may be Markdown already, with tags of HTML that are meant as such.
    """

    module: str
    libraries: dict[str, str]
    tags: bool = False


CONVERTERS = {
    "pptx": Converter("slides", {"python-pptx": "pptx"}),
    "docx": Converter("word", {"mammoth": "mammoth", **_HTML}),
    "xlsx": Converter("workbook", {"openpyxl": "openpyxl"}),
    "epub": Converter("book", _HTML),
    "odt": Converter("open_document", {"odfdo": "odfdo"}),
    "ipynb": Converter("notebook", {}, tags=True),
    "eml": Converter("mail", _HTML),
    "msg": Converter("outlook", {"python-oxmsg": "oxmsg", **_HTML}),
    "html": Converter("web", _HTML),
    "htm": Converter("web", _HTML),
    "pdf": Converter("pdf_pages", {"pypdf": "pypdf"}),
}
ROWS = frozenset({"csv", "tsv", "xlsx"})
"""The types that are sent row by row."""

_ROW_LIBRARIES = {"xlsx": {"openpyxl": "openpyxl"}}


def needed(ending: str, *, rows: bool = False) -> dict[str, str]:
    """Return the libraries for a type: the package of each, and the module that is imported.

    Args:
        ending: its extension, lower case.
        rows: it is sent row by row.
    """
    if rows:
        return _ROW_LIBRARIES.get(ending, {})
    converter = CONVERTERS.get(ending)
    return converter.libraries if converter else {}


@lru_cache(maxsize=64)
def missing(ending: str, *, rows: bool = False) -> tuple[str, ...]:
    """Return the packages that are not installed of those that a type needs."""
    return tuple(
        package
        for package, module in needed(ending, rows=rows).items()
        if find_spec(module) is None
    )


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
