"""Table rows as texts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def texts(header: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    """One text per row that holds anything: `column: value;column: value`."""
    names = [_cell(cell) for cell in header]
    found = []
    for row in rows:
        cells = [_cell(cell) for cell in row[: len(names)]]
        cells += [""] * (len(names) - len(cells))
        if any(cells):
            pairs = zip(names, cells, strict=True)
            found.append(";".join(f"{name}: {cell}" for name, cell in pairs))
    return found


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
