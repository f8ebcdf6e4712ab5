"""Table rows as texts (docs/dify-api.md section 4.11)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def plain(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """One text per row of a CSV file that holds anything: `column: value;column: value`."""
    names = [text_of(cell) for cell in header]
    found = []
    for row in rows:
        cells = [text_of(cell) for cell in row[: len(names)]]
        cells += [""] * (len(names) - len(cells))
        if any(cells):
            pairs = zip(names, cells, strict=True)
            found.append(";".join(f"{name}: {cell}" for name, cell in pairs))
    return found


def quoted(pairs: Iterable[tuple[str, str]]) -> str:
    """One row of a workbook: `"column":"value";"column":"value"`."""
    return ";".join(f'"{name}":"{cell}"' for name, cell in pairs)


def text_of(value: object) -> str:
    """A cell without blank ends; a whole number without its `.0`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value).strip()
