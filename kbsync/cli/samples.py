"""The documents of the demonstration: real files of every common type, made on the spot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

TITLE = "Handbook of the Skerry Point lighthouse"


class Sample(NamedTuple):
    """A document: its path, what to ask, and the sentence that has to be found."""

    path: str
    query: str
    sentence: str


SAMPLES = (
    Sample(
        "README.md",
        "founded museum",
        "The museum was founded in 1974 by the last keeper's daughter.",
    ),
    Sample("guides/lamp-room.md", "lamp room", "The lamp room opens at nine, weather permitting."),
    Sample(
        "guides/ferry.txt", "ferry pier", "The ferry leaves the north pier every forty minutes."
    ),
    Sample("prices.csv", "family ticket", "A family ticket admits two adults and three children."),
    Sample(
        "visit.html", "wheelchair ramp", "A wheelchair ramp leads from the car park to the café."
    ),
    Sample(
        "reports/storm.docx",
        "storm gallery",
        "The storm of 1987 broke eleven panes of the gallery.",
    ),
    Sample("reports/stock.xlsx", "spare lens", "One spare lens is kept in the cellar."),
    Sample("leaflet.pdf", "foghorn", "The foghorn is sounded on the first Sunday of the month."),
)
EDITED = Sample(
    "guides/lamp-room.md", "lamp room stairs", "The lamp room is reached by 214 spiral stairs."
)
ADDED = Sample("guides/dogs.md", "dogs", "Dogs are welcome everywhere except in the lamp room.")
DELETED = SAMPLES[2]


def write_samples(folder: Path) -> None:
    """Write every sample below `folder`."""
    for sample in SAMPLES:
        write(folder, sample)


def write(folder: Path, sample: Sample) -> None:
    """Write one sample below `folder`, in the format its extension says."""
    path = folder / sample.path
    path.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[path.suffix](path, sample.sentence)


def _markdown(path: Path, sentence: str) -> None:
    path.write_text(f"# {TITLE}\n\n{sentence}\n", encoding="utf-8")


def _text(path: Path, sentence: str) -> None:
    path.write_text(f"{TITLE}\n\n{sentence}\n", encoding="utf-8")


def _csv(path: Path, sentence: str) -> None:
    rows = ("ticket,price,note", "adult,9.50,valid all day", f"family,24.00,{sentence}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _html(path: Path, sentence: str) -> None:
    page = (
        f"<!doctype html>\n<meta charset='utf-8'>\n<title>{TITLE}</title>\n"
        f"<h1>Your visit</h1>\n<p>{sentence}</p>\n"
    )
    path.write_text(page, encoding="utf-8")


def _docx(path: Path, sentence: str) -> None:
    import docx  # noqa: PLC0415 - of the extra `embedded`

    document = docx.Document()
    document.add_heading(TITLE, level=1)
    document.add_paragraph(sentence)
    document.save(str(path))


def _xlsx(path: Path, sentence: str) -> None:
    import openpyxl  # noqa: PLC0415

    book = openpyxl.Workbook()
    for row in (("part", "count", "note"), ("lens", 1, sentence)):
        book.active.append(row)
    book.save(path)


def _pdf(path: Path, sentence: str) -> None:
    from pypdf import PdfWriter  # noqa: PLC0415
    from pypdf.generic import (  # noqa: PLC0415
        DecodedStreamObject,
        DictionaryObject,
        NameObject,
    )

    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(k): NameObject(v) for k, v in names.items()})
    fonts = DictionaryObject({NameObject("/F1"): font})
    text = DecodedStreamObject()
    text.set_data(f"BT /F1 14 Tf 72 720 Td ({sentence}) Tj ET".encode("latin-1"))
    writer = PdfWriter()
    page = writer.add_blank_page(width=595, height=842)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(text)
    with path.open("wb") as file:
        writer.write(file)


_WRITERS: Mapping[str, Callable[[Path, str], None]] = {
    ".md": _markdown,
    ".txt": _text,
    ".csv": _csv,
    ".html": _html,
    ".docx": _docx,
    ".xlsx": _xlsx,
    ".pdf": _pdf,
}
