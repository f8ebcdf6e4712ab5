"""The program that looks into PDF files in a process of its own, for `pdf_look`.

The library for it meets whatever a file was made to do to it: streams that unpack to gigabytes,
drawings that draw each other. So this process has bounds, and can be ended.
"""

from __future__ import annotations

import io
import logging
import re
import sys
from typing import Any

from kbsync.source.confined import allow_time, confine, peak_memory

LOCKED, NO_TEXT, UNCLEAR = b"l", b"n", b"u"
"""What is found: it needs a password; no page has text; anything else."""

SIZE_BYTES = 8
MEMORY = 256 << 20
"""Address space: a third is the library's, and a file may have 64 MiB."""
SECONDS = 10
"""Processor time for one file: two hundred scanned pages take one."""
RETIRES_AFTER = 1000
"""Files after which this process ends: the library keeps a little of each."""
RETIRES_ABOVE = 96 << 20
"""Memory this process has once used before it ends: it would keep most of it."""
MOST_PAGES, MOST_DRAWINGS = 200, 1000

# The four operators that show text, each behind what is shown.
_WRITES = re.compile(rb"[)\]>]\s*(?:T[jJ]|['\"])")


def main() -> None:
    """Answer with one byte for each file on standard input, until that ends."""
    files, answers = sys.stdin.buffer, sys.stdout.buffer
    confine(MEMORY)
    for _ in range(RETIRES_AFTER):
        head = files.read(SIZE_BYTES)
        if len(head) < SIZE_BYTES:
            return
        data = files.read(int.from_bytes(head, "big"))
        allow_time(SECONDS)
        answers.write(look(data))
        answers.flush()
        if peak_memory() > RETIRES_ABOVE:
            return


def look(data: bytes) -> bytes:
    """Return what a PDF is."""
    from pypdf import PdfReader  # noqa: PLC0415 - behind the bounds

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(io.BytesIO(data))
        # Many documents that may only be read and not changed open without a password.
        if reader.is_encrypted and not reader.decrypt(""):
            return LOCKED
        return UNCLEAR if _may_have_text(reader) else NO_TEXT
    except Exception:
        return UNCLEAR


def _may_have_text(reader: Any) -> bool:
    """Whether anything on any page writes text; in most documents the first page does."""
    pages = reader.pages
    if not 0 < len(pages) <= MOST_PAGES:
        return True
    seen: set[object] = set()
    return any(_page_writes(page, seen) for page in pages)


def _page_writes(page: Any, seen: set[object]) -> bool:
    if "/Annots" in page:
        return True
    contents = page.get_contents()
    written = contents is not None and _WRITES.search(contents.get_data()) is not None
    return written or _drawings_write(page.get("/Resources"), seen)


def _drawings_write(resources: Any, seen: set[object]) -> bool:
    """Whether a drawing of a page writes text, or one within it that was not seen yet."""
    waiting = [resources]
    while waiting:
        for drawing in _drawings(waiting.pop(), seen):
            if len(seen) > MOST_DRAWINGS or _WRITES.search(drawing.get_data()):
                return True
            waiting.append(drawing.get("/Resources"))
    return False


def _drawings(resources: Any, seen: set[object]) -> list[Any]:
    found = resources.get_object().get("/XObject") if resources is not None else None
    drawings = []
    for each in found.get_object().values() if found else ():
        name = getattr(each, "idnum", None) or id(each)
        if name not in seen:
            seen.add(name)
            drawing = each.get_object()
            drawings += [drawing] if drawing.get("/Subtype") == "/Form" else []
    return drawings


if __name__ == "__main__":
    main()
