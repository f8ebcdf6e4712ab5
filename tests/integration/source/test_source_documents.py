"""Documents that no server can read are held before they are sent; whatever is in doubt is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from pypdf import PdfReader, PdfWriter

from kbsync.messages import source as says
from kbsync.model import Present, Unknown
from kbsync.source.folder import Folder

Make = Callable[..., Folder]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def pdf(drawing: str, resources: str = "") -> bytes:
    """A PDF of one page, without the table that readers can do without."""
    return (
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"
        f"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R "
        f"/Resources << {resources} >> >>\nendobj\n"
        f"4 0 obj\n<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream\nendobj\n"
        "trailer << /Size 5 /Root 1 0 R >>\nstartxref\n0\n%%EOF\n"
    ).encode()


TEXT = pdf("BT /F1 12 Tf (words) Tj ET")


def locked(password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(TEXT)))
    writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def zipped(**parts: str) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, text in parts.items():
            packed.writestr(name.replace("__", "/"), text)
    return written.getvalue()


PREFIXED = zipped(xl__worksheets__sheet1="<x:c/>", **{"[Content_Types].xml": ""})


def workbook(*cells: object) -> bytes:
    book, written = openpyxl.Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(cells)
    book.save(written)
    return written.getvalue()


HELD = {
    "a password": ("a.pdf", locked("secret"), says.LOCKED),
    "a scan": ("a.pdf", pdf("0 0 9 9 re f", "/Font << /F1 5 0 R >>"), says.SCANNED),
    "no PDF": ("a.pdf", b"words", says.BROKEN_DOCUMENT),
    "no zip": ("a.docx", b"words", says.BROKEN_DOCUMENT),
    "cut off": ("a.xlsx", workbook(1)[:-200], says.BROKEN_DOCUMENT),
    "another zip": ("a.docx", zipped(a="b"), says.BROKEN_DOCUMENT),
    "no book": ("a.epub", zipped(a="b"), says.BROKEN_DOCUMENT),
    "an old document": ("a.docx", OLE, says.BROKEN_DOCUMENT),
    "an office password": ("a.xlsx", OLE + "EncryptedPackage".encode("utf-16-le"), says.LOCKED),
    "formulas alone": ("a.xlsx", workbook("=1+1"), says.NO_VALUES),
    "nothing": ("a.xlsx", workbook(), says.NO_VALUES),
}
SENT = {
    "text": ("a.pdf", TEXT),
    "a password for changes alone": ("a.pdf", locked("")),
    "damaged behind its beginning": ("a.pdf", b"%PDF-1.4\n" + bytes(99)),
    "values": ("a.xlsx", workbook("n", 1)),
    "elements with a prefix": (
        "a.xlsx",
        zipped(xl__worksheets__sheet1="<x:c/>", **{"[Content_Types].xml": ""}),
    ),
    "an old workbook": ("a.xls", OLE),
    "a type of no interest": ("a.msg", b"x"),
}


@pytest.mark.parametrize("case", HELD)
def test_what_no_server_can_read_is_held(ground: Path, folder: Make, case: str) -> None:
    name, data, message = HELD[case]
    (ground / name).write_bytes(data)
    source = folder(extensions={"pdf", "docx", "xlsx", "epub"})
    for state in (source.glance(name), source.read(name)):
        assert isinstance(state, Unknown)
        assert state.why.message is message
        assert "kbsync" in state.why.next
    with source.open(name) as sent:
        assert isinstance(sent, Unknown)


@pytest.mark.parametrize("case", SENT)
def test_what_is_in_doubt_is_sent(ground: Path, folder: Make, case: str) -> None:
    name, data = SENT[case]
    (ground / name).write_bytes(data)
    source = folder(extensions={"pdf", "xlsx", "xls", "msg"})
    assert isinstance(source.glance(name), Present)
    with source.open(name) as sent:
        assert not isinstance(sent, Unknown)
        assert sent.read() == data
