"""How the packages of an extra are installed for the Python that runs now.

They are named themselves: the name of kbsync stands in no index, and may be taken there one day.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec

CONVERT = {
    "beautifulsoup4": "bs4",
    "mammoth": "mammoth",
    "markdownify": "markdownify",
    "odfdo": "odfdo",
    "openpyxl": "openpyxl",
    "pypdf": "pypdf",
    "python-oxmsg": "oxmsg",
    "python-pptx": "pptx",
}
"""The packages of the extra `convert`, each with the module that is imported."""

_HTML = ("markdownify", "beautifulsoup4")
CONVERTED: dict[str, tuple[str, ...]] = {
    "pptx": ("python-pptx",),
    "docx": ("mammoth", *_HTML),
    "xlsx": ("openpyxl",),
    "epub": _HTML,
    "odt": ("odfdo",),
    "ipynb": (),
    "eml": _HTML,
    "msg": ("python-oxmsg", *_HTML),
    "html": _HTML,
    "htm": _HTML,
    "pdf": ("pypdf",),
}
"""The types that are converted to Markdown, with the packages that each needs."""
ROWS: dict[str, tuple[str, ...]] = {"csv": (), "tsv": (), "jsonl": (), "xlsx": ("openpyxl",)}
"""The types that are sent row by row, likewise."""


WEB = {
    "jinja2": "jinja2",
    "prometheus-client": "prometheus_client",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}
"""The packages of the extra `web`, each with the module that is imported."""


def not_installed(packages: Iterable[str]) -> tuple[str, ...]:
    """Return those of some packages of `CONVERT` or `WEB` that are not installed."""
    modules = CONVERT | WEB
    return tuple(each for each in packages if find_spec(modules[each]) is None)


def installing(extra: str) -> dict[str, tuple[str, ...]]:
    """Return the words of a command that installs the packages of `extra`, for a message."""
    return {"installer": _installer(), "packages": tuple(_packages(extra))}


def _installer() -> tuple[str, ...]:
    # What uv makes has no pip of its own.
    if find_spec("pip") is None and shutil.which("uv"):
        return ("uv", "pip", "install", "--python", sys.executable)
    return (sys.executable, "-m", "pip", "install")


def _packages(extra: str) -> list[str]:
    # It takes a while to load, which only this fault need pay.
    from importlib.metadata import PackageNotFoundError, requires  # noqa: PLC0415

    try:
        needed = requires("kbsync") or []
    except PackageNotFoundError:
        needed = []
    halves = [each.partition(";") for each in needed]
    wanted = f"extra=='{extra}'"
    found = [
        package.strip()
        for package, _, marker in halves
        if wanted in marker.replace(" ", "").replace('"', "'")
    ]
    # Never installed, so it runs in its own folder.
    return found or [f".[{extra}]"]
