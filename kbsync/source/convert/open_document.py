"""OpenDocument texts to Markdown, by odfdo."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import IO

from odfdo import Document

from kbsync.source.convert.answers import ConversionError, Said
from kbsync.source.convert.archive import part

_MANIFEST = "META-INF/manifest.xml"


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a text document as Markdown.

    Raises:
        ConversionError: it needs a password, or is none.
    """
    data = file.read()
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        if b"encryption-data" in part(packed, _MANIFEST):
            raise ConversionError(Said.LOCKED)
    # An escaped name is another word for a search.
    yield str(Document(io.BytesIO(data)).to_markdown()).replace("\\_", "_")
