"""HTML: the text a reader sees."""

from __future__ import annotations

import re
from html import unescape
from typing import Final

from bs4 import BeautifulSoup

from .text_files import decode

_XML_PROLOGUE: Final = re.compile(r"<\?xml[^>]*>")


def read_html(content: bytes) -> list[str]:
    """The text of the page without scripts and styles."""
    text = _XML_PROLOGUE.sub("", decode(content))
    # The library warns of a text without tags: it might be meant as the address of a page.
    seen = BeautifulSoup(text, "html.parser").get_text() if "<" in text else unescape(text)
    return [seen.strip()]
