"""docs/configuration.md: every key of the configuration, from its schema; `make docs` writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kbsync.config.declaration import json_schema

from .rooms import ROOT

PAGE = ROOT / "docs" / "configuration.md"
OPENING = """\
# Configuration

Every key of `kbsync.yaml`, with its type and its default. `kbsync init` writes a file to start
from, and `kbsync validate` checks one: a fault is reported with file, line and key. `kbsync schema`
prints the JSON Schema, which editors read, and `kbsync schema --example` the same keys as a file
with comments.

The file is the one that `-c` or `KBSYNC_CONFIG` names. Where none is named it is the first of
`kbsync.yaml` in the folder where you are, `~/.config/kbsync/kbsync.yaml` (or in `$XDG_CONFIG_HOME`)
and `/etc/kbsync/kbsync.yaml`.

Paths are relative to the file, `~` is the home folder. In values, `${NAME}` and `${NAME:-default}`
come from the environment, and `$$` is a dollar sign. Durations are seconds or have a unit: `500ms`,
`30s`, `15m`, `1h`, `1d`. Patterns are those of `.gitignore`.

This page is generated: change what is declared in `kbsync/config/`, then type `make docs`.
"""
DURATIONS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
SIZES = {" MB": 1 << 20, " KB": 1 << 10}
PLURALS = {"text": "texts", "section": "sections"}
Schema = dict[str, Any]


def page() -> str:
    """Return the whole page as Markdown."""
    return "\n".join([OPENING, *_sections(_whole())])


def _whole() -> Schema:
    return {**json_schema(), "description": "What stands at the top of the file."}


def _sections(schema: Schema) -> Iterator[str]:
    waiting = [("The file", schema)]
    seen = set()
    while waiting:
        title, section = waiting.pop(0)
        yield from _section(title, section)
        path = "" if section is schema else title.strip("`") + "."
        for key, value in section["properties"].items():
            for name, many in _named(value):
                if name not in seen:
                    seen.add(name)
                    waiting.append((f"`{path}{key}{many}`", schema["$defs"][name]))


def _named(value: Any, many: str = "") -> Iterator[tuple[str, str]]:
    """Yield the sections that a key's value may be, and whether there are several of them."""
    if isinstance(value, list):
        for each in value:
            yield from _named(each, many)
    elif isinstance(value, dict):
        name = value.get("$ref", "").rpartition("/")[2]
        if name not in ("", "JsonValue"):
            yield name, many
        yield from _named(value.get("anyOf", []), many)
        yield from _named(value.get("items"), "[]")
        yield from _named(value.get("additionalProperties"), ".NAME")


def _section(title: str, section: Schema) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{_plain(section['description'])}\n"
    yield "| Key | Type | Default | |"
    yield "|---|---|---|---|"
    required = section.get("required", [])
    for key, value in section["properties"].items():
        default = "**required**" if key in required else _default(value)
        cells = (f"`{key}`", _type(value), default, _plain(value["description"]))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _default(value: Schema) -> str:
    default = value.get("default")
    if default in (None, "", [], {}):
        return ""
    types = {each.get("type") for each in value.get("anyOf", [])}
    if types == {"string", "number"}:
        return f"`{_in_units(default, DURATIONS)}`"
    if types == {"string", "integer"}:
        return f"`{_in_units(default, SIZES)}`"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _in_units(number: float, units: Mapping[str, int]) -> str:
    """Return a number in the largest unit that leaves it whole."""
    fitting = (f"{number / size:g}{unit}" for unit, size in units.items() if number % size == 0)
    return next(fitting, f"{number:g}")


def _type(value: Schema) -> str:
    if words := value.get("enum"):
        return " or ".join(f"`{word}`" for word in words)
    if options := value.get("anyOf"):
        return " or ".join(filter(None, map(_type, options)))
    if value.get("$ref"):
        return "section"
    kind = value.get("type", "")
    if kind == "array":
        return f"list of {PLURALS.get(_type(value['items']), 'values')}"
    return {"string": "text", "object": "mapping", "null": ""}.get(kind, kind)


def _plain(text: str) -> str:
    """Return a sentence on one line, with no markup in it but words in backquotes."""
    return "".join(
        part if part.startswith("`") else re.sub(r"([|<>*_\[\]])", r"\\\1", part)
        for part in re.split(r"(`[^`]*`)", " ".join(text.split()))
    )


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
