"""The program that converts files to Markdown or rows, in a process of its own, for `process`.

Its libraries meet whatever a file was made to do to them. So this process has bounds, writes to no
file, and can be ended.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import IO

from kbsync.source.confined import allow_time, confine, peak_memory
from kbsync.source.convert.answers import ConversionError, Said, tell
from kbsync.source.convert.converters import CONVERTERS
from kbsync.source.convert.kept import kept
from kbsync.source.convert.links import Links

MEMORY = 768 << 20
"""Address space: libraries take a tenth, and a file may have 64 MiB."""
SECONDS = 60
"""Processor time for one file."""
RETIRES_AFTER = 500
"""Files after which this process ends: libraries keep a little of each."""
RETIRES_ABOVE = 192 << 20
"""Memory this process has once used before it ends: it would keep most of it."""
LONGEST_CAUSE = 300
LONGEST_HEAD = 1 << 16

_PIECE = 1 << 18


def main() -> None:
    """Said for each file on standard input, until that ends."""
    files, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what libraries print is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    confine(MEMORY)
    for _ in range(RETIRES_AFTER):
        head = files.readline(LONGEST_HEAD)
        if not head:
            return
        asked = json.loads(head)
        data = files.read(asked["size"])
        allow_time(SECONDS)
        _answer(answers, asked, data)
        answers.flush()
        if peak_memory() > RETIRES_ABOVE:
            return


def _answer(answers: IO[bytes], asked: dict[str, str | int], data: bytes) -> None:
    try:
        for piece in joined(_pieces(asked, io.BytesIO(data))):
            tell(answers, Said.TEXT, piece)
    except ConversionError as error:
        tell(answers, error.kind, error.cause)
    except ImportError as error:
        tell(answers, Said.UNLOADED, f"{error}"[:LONGEST_CAUSE])
    except MemoryError:
        tell(answers, Said.MEMORY)
    except RecursionError:
        tell(answers, Said.BROKEN, "its parts are nested too deeply")
    # Libraries fail in many ways on a broken file.
    except Exception as error:
        tell(answers, Said.BROKEN, f"{type(error).__name__}: {error}"[:LONGEST_CAUSE])
    else:
        tell(answers, Said.DONE)


def _pieces(asked: dict[str, str | int], file: IO[bytes]) -> Iterator[str]:
    ending = str(asked["ending"])
    if longest := int(asked["rows"]):
        reader = import_module("kbsync.source.convert.workbook")
        pieces: Iterator[str] = reader.rows(file, longest)
        return pieces
    converter = CONVERTERS[ending]
    module = import_module(f"kbsync.source.convert.{converter.module}")
    pieces = (kept(piece, tags=converter.tags) for piece in module.markdown(file))
    if not (base := str(asked.get("links", ""))):
        return pieces
    links = Links(base, str(asked["path"]))
    return links.markdown(line for piece in pieces for line in piece.splitlines(keepends=True))


def joined(pieces: Iterator[str]) -> Iterator[str]:
    """Yield the same text in pieces that are worth an answer each."""
    waiting: list[str] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield "".join(waiting)
            waiting, size = [], 0
    if waiting:
        yield "".join(waiting)


if __name__ == "__main__":
    main()
