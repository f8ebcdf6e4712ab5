"""Word documents to Markdown, by mammoth and by way of HTML. Pictures are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import mammoth

from kbsync.source.convert.web import of_html

_STYLES = "p[style-name='Title'] => h1:fresh"


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a document as Markdown."""
    pictures = mammoth.images.img_element(lambda _: {"src": ""})
    found = mammoth.convert_to_html(file, convert_image=pictures, style_map=_STYLES)
    yield of_html(found.value)
