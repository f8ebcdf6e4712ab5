"""EPUB books to Markdown: the chapters in the order of reading, each by way of HTML."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from typing import IO
from urllib.parse import unquote
from xml.etree import ElementTree as Xml

from kbsync.source.convert.answers import ConversionError, Said
from kbsync.source.convert.archive import part, xml
from kbsync.source.convert.web import of_html

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = frozenset({"application/xhtml+xml", "text/html"})


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a book as Markdown, with its title and authors in front.

    Raises:
        ConversionError: a part is missing, or its chapters are encrypted.
    """
    with zipfile.ZipFile(file) as packed:
        package = _package_name(packed)
        opened = xml(packed, package)
        yield from _head(opened)
        chapters = _chapters(opened, posixpath.dirname(package))
        if _encrypted(packed).intersection(chapters):
            raise ConversionError(Said.LOCKED)
        for chapter in chapters:
            yield of_html(part(packed, chapter)) + "\n"


def _package_name(packed: zipfile.ZipFile) -> str:
    found = next(xml(packed, _CONTAINER).iterfind(".//{*}rootfile[@full-path]"), None)
    if found is None:
        raise ConversionError(Said.BROKEN, f"{_CONTAINER} names no package")
    return found.attrib["full-path"]


def _head(package: Xml.Element) -> Iterator[str]:
    for tag, before in ("title", "# "), ("creator", ""):
        for each in package.iterfind(f".//{{http://purl.org/dc/elements/1.1/}}{tag}"):
            if text := " ".join((each.text or "").split()):
                yield f"{before}{text}\n\n"


def _chapters(package: Xml.Element, folder: str) -> list[str]:
    """Return the names of the parts that are read, in their order."""
    items = {each.get("id"): each for each in package.iterfind(".//{*}manifest/{*}item")}
    found = []
    for each in package.iterfind(".//{*}spine/{*}itemref"):
        item = items.get(each.get("idref"))
        if item is not None and item.get("media-type") in _PAGES:
            target = unquote(item.get("href", "").partition("#")[0])
            found.append(posixpath.normpath(posixpath.join(folder, target)))
    return found


def _encrypted(packed: zipfile.ZipFile) -> set[str]:
    """Return the names of the parts that are encrypted: fonts often are, and are not read."""
    if _ENCRYPTION not in packed.namelist():
        return set()
    references = xml(packed, _ENCRYPTION).iterfind(".//{*}CipherReference")
    return {unquote(each.get("URI", "")) for each in references}
