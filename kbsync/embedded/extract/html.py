"""HTML: the text a reader sees."""

from __future__ import annotations

import re
import warnings
from typing import Final

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning

_XML_PROLOGUE: Final = re.compile(rb"<\?xml[^>]*>")


def read_html(content: bytes) -> list[str]:
    """The text of the page without scripts and styles, in the charset that the page names."""
    with warnings.catch_warnings():
        # A text without tags might be meant as the address of a page.
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        page = BeautifulSoup(_XML_PROLOGUE.sub(b"", content), "html.parser")
    return [page.get_text().strip()]
