"""HTML: the text a reader sees."""

from __future__ import annotations

from bs4 import BeautifulSoup

from .plain import decode


def read(content: bytes) -> list[str]:
    """The text of the page without scripts and styles."""
    return [BeautifulSoup(decode(content), "html.parser").get_text().strip()]
