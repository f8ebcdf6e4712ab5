"""Files that attack whoever opens them cost the daemon little, and are sent: servers decide."""

from __future__ import annotations

import os
import random
import signal
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import Unknown
from kbsync.source.folder import Folder
from kbsync.source.pdf_look import PdfLook
from kbsync.source.pdf_program import MEMORY, NO_TEXT, UNCLEAR
from kbsync.source.soundness import fault
from tests.integration.embedded import bombs
from tests.integration.embedded.bombs import MIB

Make = Callable[..., Folder]
ALLOWED = 32 * MIB
TEXT_PDF = bombs.one_page(bombs.stream(b"BT /F1 12 Tf (words) Tj ET"))


@contextmanager
def opened(path: Path, content: bytes) -> Iterator[int]:
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def found(path: Path, content: bytes) -> Notice | None:
    """What is said of a file; it may take only so much memory."""
    with opened(path, content) as fd:
        tracemalloc.start()
        try:
            why = fault(fd, path.suffix[1:])
            assert tracemalloc.get_traced_memory()[1] < ALLOWED
        finally:
            tracemalloc.stop()
    return why


def sheets(number: int) -> bytes:
    parts = {f"xl/worksheets/sheet{each}.xml": b"<sheetData/>" for each in range(number)}
    return bombs.zipped({"[Content_Types].xml": b"", **parts})


def packed_sheet(method: int) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as container:
        container.writestr("[Content_Types].xml", "")
        container.writestr("xl/worksheets/sheet1.xml", bytes(64 * MIB))
    return file.getvalue()


def damaged_sheet() -> bytes:
    content = bombs.xlsx(bombs.sheet_of("<row/>" * 999))
    start = content.index(b"xl/worksheets/sheet1.xml") + 24
    return content[:start] + b"\xff" * 40 + content[start + 40 :]


SENT: dict[str, Callable[[], bytes]] = {
    "large.xlsx": lambda: bombs.xlsx(bombs.sheet_repeating(b"<row/>", 32 * MIB)),
    "slow.xlsx": lambda: bombs.xlsx(bombs.repeated("", b"<v ", 8 * MIB, "")),
    "crowded.docx": bombs.crowded_docx,
    "crowded.xlsx": lambda: sheets(101),
    "method.xlsx": lambda: packed_sheet(zipfile.ZIP_BZIP2),
    "damaged.xlsx": damaged_sheet,
}


@pytest.mark.parametrize("name", SENT)
def test_a_container_that_takes_much_is_sent(tmp_path: Path, name: str) -> None:
    assert found(tmp_path / name, SENT[name]()) is None


def test_a_large_old_document_is_looked_through_piece_by_piece(tmp_path: Path) -> None:
    old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(48 * MIB)
    locked = old + "EncryptedPackage".encode("utf-16-le")
    for content, message in (old, says.BROKEN_DOCUMENT), (locked, says.LOCKED):
        why = found(tmp_path / "a.docx", content)
        assert why is not None
        assert why.message is message


@pytest.mark.parametrize("seed", range(3))
def test_no_damage_to_a_container_stops_the_look(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    sound = bombs.xlsx(bombs.sheet_of(bombs.HEAD + "<row/>" * 50))
    for _ in range(150):
        content = bytearray(sound)
        for _ in range(draw.randint(1, 9)):
            content[draw.randrange(len(content))] = draw.choice((0, 255, draw.randrange(256)))
        with opened(tmp_path / "a.xlsx", bytes(content)) as fd:
            fault(fd, "xlsx")


# -- PDF, in a process of its own


@pytest.fixture
def look() -> Iterator[PdfLook]:
    made = PdfLook()
    yield made
    made.end()


def seen(look: PdfLook, path: Path, content: bytes) -> bytes:
    with opened(path, content) as fd:
        return look.of(fd, len(content))


def peak(look: PdfLook) -> int:
    assert look._process is not None
    status = Path(f"/proc/{look._process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def test_a_pdf_that_takes_much_is_unclear(look: PdfLook, tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    assert seen(look, path, bombs.pdf_bomb(90 * MIB)) == UNCLEAR
    assert seen(look, path, bombs.pdf_loop()) == UNCLEAR
    assert seen(look, path, bombs.pdf_forms(20)) == NO_TEXT, "each drawing is looked at once"
    assert seen(look, path, TEXT_PDF) == UNCLEAR
    assert peak(look) < MEMORY


def test_a_look_that_takes_too_long_is_unclear(tmp_path: Path) -> None:
    look = PdfLook(seconds=0.01)
    assert seen(look, tmp_path / "a.pdf", bombs.pdf_forms()) == UNCLEAR
    assert look._process is None


def test_a_process_that_was_ended_is_replaced(look: PdfLook, tmp_path: Path) -> None:
    scan = bombs.one_page(bombs.stream(b"0 0 9 9 re f"))
    assert seen(look, tmp_path / "a.pdf", scan) == NO_TEXT
    assert look._process is not None
    os.kill(look._process.pid, signal.SIGKILL)
    assert seen(look, tmp_path / "a.pdf", scan) == NO_TEXT


def test_a_pdf_that_is_cut_off_meanwhile_is_unclear(look: PdfLook, tmp_path: Path) -> None:
    with opened(tmp_path / "a.pdf", TEXT_PDF) as fd:
        assert look.of(fd, len(TEXT_PDF) + 1) == UNCLEAR
    assert seen(look, tmp_path / "a.pdf", TEXT_PDF) == UNCLEAR


# -- tables


@pytest.mark.parametrize("row", [b"xy;" * (3 * MIB), b'"x\n";' * 3 * MIB], ids=["a line", "lines"])
def test_a_row_without_an_end_is_sent_as_it_is(ground: Path, folder: Make, row: bytes) -> None:
    content = b"a;b\n" * 20_000 + row
    (ground / "a.csv").write_bytes(content)
    source = folder(max_file_size=64 * MIB)
    tracemalloc.start()
    try:
        with source.open("a.csv") as sent:
            assert not isinstance(sent, Unknown)
            assert tracemalloc.get_traced_memory()[1] < ALLOWED
            assert sent.read() == content
    finally:
        tracemalloc.stop()
