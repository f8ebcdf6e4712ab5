"""Markdown written so that a server keeps it whole (see `markdown_loss`)."""

from __future__ import annotations

from kbsync.source.convert.markdown_loss import in_code, taken


def kept(text: str, *, tags: bool = False) -> str:
    """Return Markdown with `&lt;` for each `<` that would take what follows it along.

    Args:
        text: whole lines.
        tags: those of HTML are meant as such, and stay.
    """
    if "<" not in text:
        return text
    if not tags:
        return "\n".join(map(_without, text.split("\n")))
    return "\n".join(_with_tags(line, code) for line, code in in_code(text.split("\n")))


def _without(line: str) -> str:
    end = line.rfind(">")
    return line if end < 0 else line[:end].replace("<", "&lt;") + line[end:]


def _with_tags(line: str, code: bool) -> str:
    pieces, last = [], 0
    for start, end, is_tag in taken(line, code=code):
        if not is_tag:
            pieces += [line[last:start], line[start:end].replace("<", "&lt;")]
            last = end
    return "".join(pieces) + line[last:]
