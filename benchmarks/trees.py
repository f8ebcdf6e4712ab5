"""Trees of files as documentation has them: names, depths and sizes as measured, contents of words.

Measured on 29 November 2026 over the files with a document's extension (md, rst, txt, html, csv,
pdf) of four public repositories: MicrosoftDocs/PowerShell-Docs at 27138b21b (3,119 files),
kubernetes/community at 24e7d8f54 (991), ansible/ansible-documentation at ef72400cc2 (524) and
vuejs/docs at 01e098a9 (198); together 4,832 files in 497 folders. Below are quantiles of all of
them. How many files a folder holds is drawn in the same proportions and scaled to the mean asked
for, because a benchmark names both numbers.
"""

from __future__ import annotations

import json
import os
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

# Of the measured values so many percent are at most so large; between two of them a line is drawn.
PERCENT = (0, 5, 10, 25, 50, 75, 90, 95, 99, 100)
FILE_BYTES = (1, 352, 1176, 2680, 6368, 12127, 20876, 29640, 75193, 654550)
NAME_LETTERS = (2, 6, 8, 12, 16, 22, 30, 40, 76, 98)
FOLDER_LETTERS = (2, 3, 3, 5, 9, 16, 25, 28, 32, 41)
FILES_A_FOLDER = (1, 1, 1, 1, 3, 9, 16, 46, 148, 228)
# How many files of a thousand lie so many folders deep.
DEPTHS = {0: 5, 1: 69, 2: 73, 3: 450, 4: 359, 5: 29, 6: 15}
BLOCK = 1 << 20  # bytes of drawn text that files are taken from, larger than any of them
OLD = 1_700_000_000  # epoch seconds: the files are older than every measurement

WORDS = [
    "access",
    "account",
    "action",
    "address",
    "allow",
    "answer",
    "array",
    "block",
    "branch",
    "build",
    "cache",
    "call",
    "change",
    "check",
    "class",
    "client",
    "cluster",
    "command",
    "config",
    "container",
    "content",
    "control",
    "copy",
    "create",
    "data",
    "default",
    "delete",
    "deploy",
    "device",
    "document",
    "domain",
    "element",
    "entry",
    "error",
    "event",
    "example",
    "export",
    "field",
    "file",
    "filter",
    "folder",
    "format",
    "function",
    "group",
    "handle",
    "header",
    "image",
    "import",
    "index",
    "install",
    "key",
    "label",
    "language",
    "layer",
    "level",
    "library",
    "limit",
    "link",
    "list",
    "load",
    "local",
    "log",
    "member",
    "memory",
    "message",
    "method",
    "mode",
    "model",
    "module",
    "name",
    "network",
    "node",
    "note",
    "number",
    "object",
    "option",
    "order",
    "output",
    "package",
    "page",
    "parameter",
    "part",
    "path",
    "pattern",
    "plan",
    "policy",
    "port",
    "process",
    "profile",
    "project",
    "property",
    "query",
    "queue",
    "range",
    "read",
    "record",
    "region",
    "release",
    "remote",
    "report",
    "request",
    "resource",
    "result",
    "role",
    "route",
    "rule",
    "scope",
    "script",
    "search",
    "section",
    "security",
    "select",
    "server",
    "service",
    "session",
    "set",
    "size",
    "source",
    "start",
    "state",
    "storage",
    "string",
    "style",
    "support",
    "switch",
    "system",
    "table",
    "target",
    "task",
    "template",
    "test",
    "text",
    "thread",
    "time",
    "token",
    "type",
    "update",
    "upload",
    "user",
    "value",
    "version",
    "view",
    "volume",
    "watch",
    "window",
    "word",
    "work",
    "write",
    "zone",
]


@dataclass(frozen=True)
class Shape:
    """How many files and folders, what a file is made of, and which tree of that kind it is.

    Args:
        files: at least one.
        folders: the root not counted.
        size: bytes of every file; None: drawn.
        sparse: sizes are set without writing a byte, for passes that read none.
    """

    files: int
    folders: int
    size: int | None = None
    seed: int = 0
    sparse: bool = False

    @property
    def name(self) -> str:
        """What a folder that keeps this tree is called."""
        kind = "sparse" if self.sparse else "text"
        size = self.size or "drawn"
        return f"{self.files}-files-{self.folders}-folders-{size}-{kind}-{self.seed}"


def make_tree(root: Path, shape: Shape) -> None:
    """Make the tree at `root`, or leave it as it is when it was made to its end before."""
    made = root.with_name(f"{root.name}.made.json")
    if made.exists():
        return
    draw = random.Random(shape.seed)
    text = text_of(2 * BLOCK, random.Random(shape.seed))
    for path, drawn_size in _files(shape, draw):
        place, size = root / path, shape.size or drawn_size
        place.parent.mkdir(parents=True, exist_ok=True)
        if shape.sparse:
            _set_size(place, size)
        else:
            begin = draw.randrange(BLOCK)
            place.write_bytes(text[begin : begin + size])
        os.utime(place, (OLD, OLD))
    made.write_text(json.dumps({"files": shape.files, "folders": shape.folders}))


def text_of(size: int, draw: random.Random) -> bytes:
    """Return Markdown of so many bytes: headings and paragraphs of drawn words."""
    parts, length = [], 0
    while length < size:
        words = " ".join(draw.choices(WORDS, k=draw.randint(20, 80)))
        part = f"## {words[:40].title()}\n\n{words.capitalize()}.\n\n"
        parts.append(part)
        length += len(part)
    return "".join(parts).encode()[: size - 1] + b"\n"


def _set_size(place: Path, size: int) -> None:
    with place.open("wb") as file:
        file.truncate(size)


def _files(shape: Shape, draw: random.Random) -> Iterator[tuple[str, int]]:
    folders = list(_folders(shape.folders, draw))
    for folder, files in zip(folders, _shares(shape.files, len(folders), draw), strict=True):
        for number in range(files):
            name = f"{_name(NAME_LETTERS, draw)}-{number}.md"
            yield f"{folder}/{name}", max(1, drawn(FILE_BYTES, draw))


def _folders(count: int, draw: random.Random) -> Iterator[str]:
    """Return folders of drawn depth and name, each below one of the depth before."""
    of_depth: dict[int, list[str]] = {0: [""]}
    for number in range(max(1, count)):
        depth = draw.choices(list(DEPTHS), weights=list(DEPTHS.values()))[0]
        depth = min(max(depth, 1), max(of_depth) + 1)
        above = draw.choice(of_depth[depth - 1])
        folder = f"{above}/{_name(FOLDER_LETTERS, draw)}-{number}".lstrip("/")
        of_depth.setdefault(depth, []).append(folder)
        yield folder


def _shares(files: int, folders: int, draw: random.Random) -> list[int]:
    """Return how many files each folder gets: in proportions as drawn, `files` in all."""
    weights = [drawn(FILES_A_FOLDER, draw) for _ in range(folders)]
    ends, passed, total = [0], 0, sum(weights)
    for weight in weights:
        passed += weight
        ends.append(files * passed // total)
    return [end - begin for begin, end in pairwise(ends)]


def _name(lengths: Sequence[int], draw: random.Random) -> str:
    length, name = drawn(lengths, draw), draw.choice(WORDS)
    while len(name) < length:
        name += f"-{draw.choice(WORDS)}"
    return name[: max(length, 2)].strip("-")


def drawn(quantiles: Sequence[int], draw: random.Random) -> int:
    """Return a value drawn from what `quantiles` describe, one for each of `PERCENT`."""
    percent = draw.uniform(0, 100)
    at = min(bisect_right(PERCENT, percent), len(PERCENT) - 1)
    share = (percent - PERCENT[at - 1]) / (PERCENT[at] - PERCENT[at - 1])
    return round(quantiles[at - 1] + share * (quantiles[at] - quantiles[at - 1]))
