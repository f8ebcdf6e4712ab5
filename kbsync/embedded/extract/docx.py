"""Word documents: paragraphs and tables in reading order."""

from __future__ import annotations

import io

from docx import Document
from docx.table import Table

from . import ExtractionError


def read(content: bytes) -> list[str]:
    """The document as one text; a table becomes one line per row."""
    try:
        blocks = Document(io.BytesIO(content)).iter_inner_content()
        lines = (
            _table(block) if isinstance(block, Table) else [block.text.strip()] for block in blocks
        )
        return ["\n".join(line for block in lines for line in block if line)]
    except Exception as fault:  # the library fails in many ways on a broken file
        raise ExtractionError(str(fault) or type(fault).__name__) from fault


def _table(table: Table) -> list[str]:
    return [" | ".join(cell.text.strip() for cell in row.cells) for row in table.rows]
