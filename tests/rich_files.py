"""Files of rich types, made here: presentations, books, messages, workbooks."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from email.message import EmailMessage

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/>'
    "</rootfiles></container>"
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file of these parts, the same bytes each time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def epub(*chapters: str, title: str = "A Book", parts: Mapping[str, str] | None = None) -> bytes:
    """A book; each chapter is the body of its page."""
    items = "".join(
        f'<item id="c{at}" href="text/ch%20{at}.xhtml" media-type="application/xhtml+xml"/>'
        for at in reversed(range(len(chapters)))
    )
    order = "".join(f'<itemref idref="c{at}"/>' for at in range(len(chapters)))
    package = (
        '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{title}</dc:title><dc:creator>A. Uthor</dc:creator></metadata>"
        f"<manifest>{items}</manifest><spine>{order}</spine></package>"
    )
    pages = {
        f"OEBPS/text/ch {at}.xhtml": '<?xml version="1.0"?><html><head><title>page</title></head>'
        f"<body>{body}</body></html>"
        for at, body in enumerate(chapters)
    }
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/content.opf": package,
            **pages,
            **(parts or {}),
        }
    )


def notebook(*cells: dict[str, object]) -> bytes:
    """A notebook of format 4."""
    made = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [{"metadata": {}, **cell} for cell in cells],
    }
    return json.dumps(made).encode()


def eml(subject: str, body: str, *, attached: str = "") -> bytes:
    """A message, as a mail program saves it."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = "Ada <ada@example.com>"
    message["To"] = "bob@example.com"
    message["Date"] = "Mon, 01 Jan 2024 10:00:00 +0000"
    message.set_content(body)
    if attached:
        message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename=attached)
        message.set_boundary("=====b=====")
    return message.as_bytes()


def odt(*paragraphs: str, heading: str = "A Heading", manifest: str = "") -> bytes:
    """A text of OpenDocument."""
    office = "urn:oasis:names:tc:opendocument:xmlns"
    body = "".join(f"<text:p>{each}</text:p>" for each in paragraphs)
    content = (
        f'<?xml version="1.0"?><office:document-content xmlns:office="{office}:office:1.0" '
        f'xmlns:text="{office}:text:1.0" office:version="1.2"><office:body><office:text>'
        f'<text:h text:outline-level="1">{heading}</text:h>{body}'
        "</office:text></office:body></office:document-content>"
    )
    kind = "application/vnd.oasis.opendocument.text"
    listed = (
        f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{office}:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        f"{manifest}</manifest:manifest>"
    )
    return zipped({"mimetype": kind, "content.xml": content, "META-INF/manifest.xml": listed})


def pptx(*slides: tuple[str, Sequence[str]], notes: str = "") -> bytes:
    """A presentation: a title and points for each slide, a table and notes on the last one."""
    from pptx import Presentation  # noqa: PLC0415 - behind a skip
    from pptx.util import Inches  # noqa: PLC0415 - behind a skip

    made = Presentation()
    for title, points in slides:
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = title
        frame = slide.placeholders[1].text_frame
        frame.text = points[0] if points else ""
        for point in points[1:]:
            paragraph = frame.add_paragraph()
            paragraph.text, paragraph.level = point, 1
    box = slide.shapes.add_table(2, 2, Inches(1), Inches(3), Inches(4), Inches(1)).table
    for at, text in enumerate(("Name", "Size", "a|b", "9")):
        box.cell(at // 2, at % 2).text = text
    if notes:
        slide.notes_slide.notes_text_frame.text = notes
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def xlsx(
    sheets: Mapping[str, Sequence[Sequence[object]]], *, merged: str = "", hidden: str = ""
) -> bytes:
    """A workbook; `merged` is a range of its first sheet, `hidden` the name of a sheet."""
    from openpyxl import Workbook  # noqa: PLC0415 - behind a skip

    book = Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        if name == hidden:
            sheet.sheet_state = "hidden"
    if merged:
        book.worksheets[0].merge_cells(merged)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def docx(heading: str, *paragraphs: str) -> bytes:
    """A Word document."""
    from docx import Document  # noqa: PLC0415 - behind a skip

    made = Document()
    made.add_heading(heading, 1)
    for each in paragraphs:
        made.add_paragraph(each)
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


# -- Outlook messages: a compound file (MS-CFB) of properties (MS-OXMSG)

_SECTOR = 512
_END, _FAT, _NONE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_TEXTS = {"class": 0x001A, "subject": 0x0037, "sender": 0x0C1A, "address": 0x0C1F, "body": 0x1000}


def msg(subject: str, body: str) -> bytes:
    """An Outlook message."""
    texts = {
        "class": "IPM.Note",
        "subject": subject,
        "sender": "Ada",
        "address": "ada@example.com",
        "body": body,
    }
    streams, properties = {}, struct.pack("<8x4I8x", 0, 0, 0, 0)
    for name, text in texts.items():
        data = text.encode("utf-16-le")
        streams[f"__substg1.0_{_TEXTS[name]:04X}001F"] = data
        properties += struct.pack("<HHIII", 0x001F, _TEXTS[name], 6, len(data) + 2, 0)
    return compound({"__properties_version1.0": properties, **streams})


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file with these streams, each shorter than 4096 bytes."""
    small, small_chain = _laid(streams.values(), 64)
    firsts = [0, *(at + 1 for at, after in enumerate(small_chain) if after == _END)]
    entries = [
        _entry(name, 2, first, len(data), right=at + 1 if at < len(streams) else _NONE)
        for at, (first, (name, data)) in enumerate(
            zip(firsts, streams.items(), strict=False), start=1
        )
    ]
    table = struct.pack(f"<{len(small_chain)}I", *small_chain)
    root = _entry("Root Entry", 5, 0, len(small), child=1)
    data, chain = _laid((small, root + b"".join(entries), table), _SECTOR)
    directory, second = (at + 1 for at, after in enumerate(chain[:-1]) if after == _END)
    fat = len(chain)
    chain = [*chain, _FAT]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x2I", 0x3E, 3, 0xFFFE, 9, 6, 0, 1)
    head += struct.pack("<8I", directory, 0, 4096, second, fat - second, _END, 0, fat)
    return (
        head.ljust(_SECTOR, b"\xff")
        + data
        + struct.pack(f"<{len(chain)}I", *chain).ljust(_SECTOR, b"\xff")
    )


def _laid(pieces: Iterable[bytes], size: int) -> tuple[bytes, list[int]]:
    """Pieces in sectors of a size, one behind the other; and which sector follows which."""
    laid, chain = b"", []
    for piece in pieces:
        count = max(1, -(-len(piece) // size))
        laid += piece.ljust(count * size, b"\0")
        chain += [*range(len(chain) + 1, len(chain) + count), _END]
    return laid, chain


def _entry(
    name: str, kind: int, start: int, size: int, *, right: int = _NONE, child: int = _NONE
) -> bytes:
    text = name.encode("utf-16-le")
    made = text.ljust(64, b"\0") + struct.pack(
        "<HBBIII", len(text) + 2, kind, 1, _NONE, right, child
    )
    return made + bytes(36) + struct.pack("<IQ", start, size)
