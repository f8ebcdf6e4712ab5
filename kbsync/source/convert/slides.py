"""PowerPoint slides to Markdown, by python-pptx: a section for each slide, its notes at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO, Any

from pptx import Presentation

from kbsync.source.convert.tables import table

MOST_NESTED = 20


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a presentation as Markdown, in the order of its slides."""
    for number, slide in enumerate(Presentation(file).slides, start=1):
        title = slide.shapes.title
        named = _line(title.text_frame.text) if title is not None else ""
        yield f"# {named or f'Slide {number}'}\n\n"
        for shape in _shapes(slide.shapes):
            if title is None or shape.shape_id != title.shape_id:
                yield from _shape(shape)
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame):
            yield from _notes(notes.text)


def _shapes(shapes: Iterable[Any], depth: int = 0) -> Iterator[Any]:
    """Yield all shapes, those in groups too."""
    for shape in shapes:
        if hasattr(shape, "shapes") and depth < MOST_NESTED:
            yield from _shapes(shape.shapes, depth + 1)
        else:
            yield shape


def _shape(shape: Any) -> Iterator[str]:
    if getattr(shape, "has_text_frame", False):
        yield from _paragraphs(shape)
    elif getattr(shape, "has_table", False):
        yield from table([cell.text for cell in row.cells] for row in shape.table.rows)
        yield "\n"
    elif getattr(shape, "has_chart", False):
        yield from table(_chart(shape.chart))
        yield "\n"


def _paragraphs(shape: Any) -> Iterator[str]:
    """Yield the paragraphs of a shape: points where they are the body of the slide."""
    points = shape.is_placeholder
    found = [(each.level, _line(each.text)) for each in shape.text_frame.paragraphs]
    for level, text in found:
        if text:
            yield f"{'  ' * level}- {text}\n" if points or level else f"{text}\n\n"
    if points and any(text for _, text in found):
        yield "\n"


def _chart(chart: Any) -> Iterator[list[str]]:
    """Yield the numbers of a chart: a row for each category."""
    for plot in chart.plots:
        series = list(plot.series)
        yield ["", *(each.name or "" for each in series)]
        columns = [[str(category) for category in plot.categories]]
        columns += [
            ["" if value is None else f"{value:g}" for value in each.values] for each in series
        ]
        yield from (list(row) for row in zip(*columns, strict=False))


def _notes(text: str) -> Iterator[str]:
    lines = [line for each in text.splitlines() if (line := _line(each))]
    if lines:
        yield from chain(("Notes:\n\n",), (f"{line}\n\n" for line in lines))


def _line(text: str) -> str:
    return " ".join(text.split())
