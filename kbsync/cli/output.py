"""How verbs print: tables and lines for people, tab-separated rows for pipes, JSON for programs.

Whatever comes from a server or a disk is hostile to a terminal and goes through `printable`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

import click

from kbsync.messages import Exit, Notice, printable


def on_terminal() -> bool:
    """Whether a person reads standard output."""
    return sys.stdout.isatty()


def coloured() -> bool:
    """Whether colours are welcome: a terminal that knows them, or FORCE_COLOR; never NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return forced_colour() or (on_terminal() and os.environ.get("TERM") != "dumb")


def forced_colour() -> bool:
    """Whether colours are asked for where no terminal is, as in the log of a CI job."""
    return bool(os.environ.get("FORCE_COLOR")) and not os.environ.get("NO_COLOR")


def as_json(value: object) -> None:
    """Print `value` as indented JSON. ASCII alone: nothing in it can steer a terminal."""
    text = json.dumps(plain(value), indent=2, ensure_ascii=True)
    click.echo(text.replace("\x7f", "\\u007f"))


def plain(value: object) -> object:
    """Return `value` with dataclasses as objects, and sequences as lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def line(text: str) -> None:
    """Print one line."""
    click.echo(printable(text))


def rows(columns: Sequence[str], cells: Iterable[Sequence[object]]) -> None:
    """Print a table: ruled on a terminal, one tab-separated line per row otherwise."""
    words = [[cell(each) for each in row] for row in cells]
    if on_terminal():
        _table(columns, words)
    else:
        for row in words:
            click.echo("\t".join(row))


def members(pairs: Iterable[tuple[str, object]]) -> None:
    """Print an object, one `name: value` per line; the lines of a longer text are indented."""
    for name, value in pairs:
        lines = [printable(each) for each in text_of(value).splitlines()] or [""]
        if len(lines) == 1:
            click.echo(f"{name}: {lines[0]}".rstrip())
        else:
            click.echo("\n".join([f"{name}:", *(f"  {each}" for each in lines)]))


def cell(value: object) -> str:
    """Return `value` as one safe line."""
    return printable(" ".join(text_of(value).split()))


def text_of(value: object) -> str:
    """Return a value as people write it; the text is not yet safe to print."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (Mapping, list, tuple)) and not _words(value):
        return json.dumps(plain(value), ensure_ascii=False)
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)


def excerpt(text: str, length: int) -> str:
    """Return at most `length` characters of `text` on one safe line."""
    whole = " ".join(text.split())
    return printable(whole if len(whole) <= length else whole[: length - 1] + "…")


def _words(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def _table(columns: Sequence[str], words: Sequence[Sequence[str]]) -> None:
    # Loading rich takes a tenth of a second, which pipes need not pay.
    from rich import box  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # With three blanks between columns the last one would not fit in 80.
    table = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
        header_style="bold",
    )
    for position, column in enumerate(columns):
        # Ids are copied by hand: they stay whole, whatever else has to give way. A least width
        # would have Rich cut off what is beyond the last column of the terminal.
        table.add_column(column, no_wrap=position == 0, overflow="fold")
    for row in words:
        # Text, not str: a name like [red] is no markup.
        table.add_row(*(Text(word) for word in row))
    Console(color_system="auto" if coloured() else None, highlight=False).print(table)


def warn(notices: Iterable[Notice]) -> None:
    """Print warnings to standard error, each with what to do about it."""
    for notice in notices:
        click.echo(f"kbsync: warning: {notice}", err=True)
        if notice.next:
            click.echo(f"  next: {notice.next}", err=True)


def wrong(notice: Notice) -> bool:
    """Whether something has to be corrected."""
    return notice.message.exit is not Exit.OK


def level(notice: Notice) -> str:
    """Return ``error``, ``warning`` or ``ok``: a notice without a next step is no warning."""
    return "error" if wrong(notice) else "warning" if notice.next else "ok"


def as_rows(found: Sequence[Notice]) -> list[dict[str, object]]:
    """Return findings as JSON has them."""
    return [{"level": level(each), **each.as_json()} for each in found]


def lines(found: Sequence[Notice]) -> Iterator[str]:
    """Yield one line for each finding, what to do next under those that need it, and the sum."""
    following = ""
    for notice in found:
        if following and notice.next != following:
            yield f"  next: {following}"
        following = notice.next
        yield f"{level(notice)}: {notice}"
    if following:
        yield f"  next: {following}"
    yield _sum(found)


def _sum(found: Sequence[Notice]) -> str:
    levels = [level(each) for each in found]
    errors, warnings = levels.count("error"), levels.count("warning")
    if errors:
        return f"{errors} to correct"
    return f"sound, but for {warnings} warning{'s' * (warnings > 1)}" if warnings else "sound"
