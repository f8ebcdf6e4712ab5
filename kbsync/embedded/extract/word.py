"""Word documents: paragraphs and tables in reading order (docs/dify-api.md section 4.11)."""

from __future__ import annotations

import io
from collections.abc import Iterator

from docx import Document
from docx.table import Table, _Row
from docx.text.hyperlink import Hyperlink
from docx.text.paragraph import Paragraph

from .bounds import CELLS, BoundError
from .zip_container import check_container


def read_docx(content: bytes) -> Iterator[str]:
    """The document as one text; links and tables are written in Markdown."""
    check_container(content, "docx")
    blocks = Document(io.BytesIO(content)).iter_inner_content()
    texts = (_table(block) if isinstance(block, Table) else _paragraph(block) for block in blocks)
    yield "\n".join(texts)


def _paragraph(paragraph: Paragraph) -> str:
    """Each run is stripped, so a blank where the formatting changes is lost."""
    pieces = (
        _link(piece) if isinstance(piece, Hyperlink) else piece.text.strip()
        for piece in paragraph.iter_inner_content()
    )
    return "".join(pieces) or "\n"


def _link(link: Hyperlink) -> str:
    text = link.text.strip()
    return f"[{text or link.url}]({link.url})" if link.url else text


def _table(table: Table) -> str:
    cells = sum(cell.grid_span for row in table._tbl.tr_lst for cell in row.tc_lst)
    if cells > CELLS:
        raise BoundError(f"a table of it has more than {CELLS:,} cells")
    head, *body = [_row(row) for row in table.rows]
    columns = max(len(cells) for cells in (head, *body))
    lines = [head, ["---"] * columns, *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _row(row: _Row) -> list[str]:
    # A merged cell stands at each of its places; its text counts at the first one only.
    cells = list(row.cells)
    return [
        "" if place and cell._tc is cells[place - 1]._tc else _cell_text(cell.paragraphs)
        for place, cell in enumerate(cells)
    ]


def _cell_text(paragraphs: list[Paragraph]) -> str:
    texts = (paragraph.text.strip() for paragraph in paragraphs)
    return " ".join(dict.fromkeys(text for text in texts if text))
