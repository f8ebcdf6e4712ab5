"""Jupyter notebooks to Markdown: text as it is, code and its printed output in fences."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from kbsync.source.convert.answers import ConversionError, Said

_FENCES = re.compile(r"`{3,}")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a notebook as Markdown; pictures are left out.

    Raises:
        ConversionError: it is no notebook.
    """
    notebook = _notebook(file)
    language = _language(notebook)
    for cell in _cells(notebook):
        source = _text(cell.get("source", cell.get("input", ""))).strip()
        kind = cell.get("cell_type")
        if kind == "heading":  # before format 4
            yield f"{'#' * min(6, int(cell.get('level', 1)))} {source}\n\n"
        elif kind == "code":
            yield from _code(source, language, cell.get("outputs") or [])
        elif source:
            yield source + "\n\n"


def _notebook(file: IO[bytes]) -> dict[str, Any]:
    try:
        notebook = json.loads(file.read().decode("utf-8-sig"))
    except ValueError as error:
        raise ConversionError(Said.BROKEN, f"it is no JSON: {error}") from None
    if not isinstance(notebook, dict):
        raise ConversionError(Said.BROKEN, "it is no JSON object")
    return notebook


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    sheets = notebook.get("worksheets", [notebook])
    found = [cell for sheet in sheets for cell in sheet.get("cells", ())]
    if not found and "nbformat" not in notebook:
        raise ConversionError(Said.BROKEN, "it has no cells")
    yield from found


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata") or {}
    info = metadata.get("language_info") or {}
    kernel = metadata.get("kernelspec") or {}
    return str(info.get("name") or kernel.get("language") or "python")


def _code(source: str, language: str, outputs: list[dict[str, Any]]) -> Iterator[str]:
    if source:
        yield _fenced(source, language)
    for each in outputs:
        if text := _ESCAPES.sub("", _output(each)).strip("\n"):
            yield _fenced(text, "")


def _output(output: dict[str, Any]) -> str:
    """Return what one output shows as text."""
    if output.get("output_type") in {"error", "pyerr"}:
        return f"{output.get('ename')}: {output.get('evalue')}"
    data = output.get("data") or {}
    return _text(output.get("text") or data.get("text/markdown") or data.get("text/plain") or "")


def _text(lines: object) -> str:
    return "".join(map(str, lines)) if isinstance(lines, list) else str(lines)


def _fenced(text: str, language: str) -> str:
    longest = max((len(each) for each in _FENCES.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{text}\n{fence}\n\n"
