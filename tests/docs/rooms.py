"""The tree of rooms in docs/design.md section 2: one line a file, the first of its docstring.

`python -m tests.docs.rooms` writes it anew; `make docs` does so too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "design.md"
BEGIN, END = "<!-- rooms: written by make docs -->", "<!-- end of rooms -->"
ORDER = (
    *("model", "messages", "config", "planning", "engine", "source", "ledger", "dify"),
    *("app", "commands", "service", "cluster", "web", "cli", "embedded"),
)
NAME_WIDTH = 30


def tree() -> str:
    """Return the tree as it stands in the page."""
    lines = [f"    {line}".rstrip() for line in _lines(ROOT / "kbsync", 0)]
    return "\n".join(lines)


def _lines(folder: Path, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for file in sorted(folder.glob("*.py")):
        if file.name != "__init__.py":
            yield f"{indent}{file.name:{NAME_WIDTH - len(indent)}} {_duty(file)}"
    for room in _rooms(folder, depth):
        name = f"{room.name}/"
        yield f"{indent}{name:{NAME_WIDTH - len(indent)}} {_duty(room / '__init__.py')}"
        yield from _lines(room, depth + 1)


def _rooms(folder: Path, depth: int) -> list[Path]:
    if depth == 0:
        return [folder / name for name in ORDER]
    rooms = (each for each in folder.iterdir() if (each / "__init__.py").exists())
    return sorted(each for each in rooms if each.name != "versions")


def _duty(file: Path) -> str:
    described = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
    return described.partition("\n\n")[0].replace("\n", " ").rstrip(".")


def written(page: str) -> str:
    """Return `page` with the tree between its two comments."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tree()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
