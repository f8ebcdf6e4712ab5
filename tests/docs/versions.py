"""The table of capabilities in docs/versions.md; `make docs` writes it anew."""

from __future__ import annotations

from kbsync.model.capabilities import ALWAYS, NEVER, TABLE, CapabilityRow, Version, text_of

from .rooms import ROOT

PAGE = ROOT / "docs" / "versions.md"
BEGIN, END = "<!-- table: written by make docs -->", "<!-- end of table -->"


def written(page: str) -> str:
    """Return `page` with the table between its two comments."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_table()}\n{END}{after}"


def _table() -> str:
    rows = [_row(row) for row in sorted(TABLE, key=lambda row: row.since)]
    head = "| capability | versions | what it is | without it kbsync does this |\n|---|---|---|---|"
    return "\n".join([head, *rows])


def _row(row: CapabilityRow) -> str:
    cells = (f"`{row.capability.value}`", _versions(row), row.gives, row.otherwise)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _versions(row: CapabilityRow) -> str:
    since = "all" if row.since == ALWAYS else f"{text_of(row.since)} on"
    return since + "".join(f", not {_span(first, end)}" for first, end in row.lacking)


def _span(first: Version, end: Version) -> str:
    until = "on" if end == NEVER else f"to before {text_of(end)}"
    return f"{text_of(first)} {until}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
