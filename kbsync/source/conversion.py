"""What is sent for a file of text in the place of its bytes: UTF-8, and commas in CSV."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Sequence
from typing import IO, NamedTuple

from kbsync.config.encodings import AUTO
from kbsync.messages import Notice
from kbsync.model import DocumentRule
from kbsync.model.file_types import extension, is_text
from kbsync.source.delimited import SAMPLE, Delimiter, delimiter_of, with_commas
from kbsync.source.encoding import (
    Chosen,
    Text,
    TextRead,
    pieces,
    read_text,
    stray_byte,
)
from kbsync.source.rewritten import rewritten
from kbsync.source.taken_as import TakenAs
from kbsync.source.unmarked import has_control

GLANCE = 1 << 16
_SPOKEN = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}


class Converted(NamedTuple):
    """What a file of text becomes.

    Args:
        content: sha256 (hex) of what is sent; empty where it is written anew.
        start: where in the file that begins: behind a UTF-8 byte order mark.
        taken: what it was taken as, in the words of the ledger; None for UTF-8 as it is.
        sent: what is sent, written anew, at its end; None for the file's own bytes.
        doubt: why it is not known what it is written in: it must not be sent.
    """

    content: str = ""
    start: int = 0
    taken: str | None = None
    sent: IO[bytes] | None = None
    doubt: Notice | None = None


class Conversion:
    """What becomes of the texts of one mirror.

    Args:
        convert: whether text is sent as UTF-8; otherwise nothing is converted.
        encoding: what it is written in that is not UTF-8, as the configuration names it.
        commas: whether CSV files are sent with commas.
        by: how that is noted in the ledger.
    """

    def __init__(
        self,
        *,
        convert: bool = True,
        encoding: Sequence[str] = (AUTO,),
        commas: bool = True,
        by: str = "",
    ) -> None:
        self._convert = convert
        self._taken_as = TakenAs(encoding)
        self._commas = commas
        self.by = by

    @classmethod
    def declared(cls, rule: DocumentRule, *, convert: bool) -> Conversion:
        """Return that of the files of `rule`.

        Args:
            rule: what is declared of them.
            convert: whether their mirror's texts are sent as UTF-8.
        """
        return cls(
            convert=convert,
            encoding=rule.encoding,
            commas=rule.csv == "commas",
            by=rule.taken_by,
        )

    def of(self, name: str) -> str:
        """Return what becomes of a file called `name`: ``text``, ``csv``, empty for its bytes."""
        ending = extension(name)
        if not self._convert or not is_text(ending):
            return ""
        return "csv" if ending == "csv" else "text"

    def converted(self, fd: int, kind: str, *, folder: int, before: str | None) -> Converted:
        """Read a file of text, and write it anew where its bytes are not what is sent.

        Args:
            fd: the file.
            kind: as `of` returns.
            folder: the file's folder.
            before: what it was taken as when it was sent; None where that is not known.
        """

        def choose(text: Text) -> Chosen | None:
            return self._taken_as.choose(text, folder, _encoding_of(before))

        read = read_text(fd, choose)
        if read.doubt:
            return Converted(doubt=read.doubt)
        delimiter = self._delimiter(read) if kind == "csv" else None
        taken = self._words(read, kind, delimiter)
        if read.encoding is None and delimiter is None:
            return Converted(read.content, read.start, taken)
        encoding = read.encoding or "utf-8"
        if delimiter and (rows := _commas(fd, encoding, read.head, delimiter)):
            return Converted(taken=taken, sent=rows)
        if read.encoding is None:
            return Converted(read.content, read.start)
        sent = rewritten(pieces(fd, encoding, read.head))
        return Converted(taken=self._words(read, kind), sent=sent)

    def doubt(self, fd: int, *, folder: int) -> Notice | None:
        """Return why it is not known what the text file `fd` is written in, by its beginning.

        Args:
            fd: the file.
            folder: descriptor of its folder.
        """
        head = os.pread(fd, GLANCE, 0)
        stray = stray_byte(head)
        if stray < 0 and not has_control(head):
            return None
        chosen = self._taken_as.choose(Text(fd, head, stray), folder, None)
        return chosen.doubt if chosen else None

    def _delimiter(self, read: TextRead) -> Delimiter | None:
        if not self._commas:
            return None
        head = read.head[read.start : read.start + SAMPLE]
        whole = len(read.head) <= read.start + SAMPLE
        decoder = codecs.getincrementaldecoder(read.encoding or "utf-8")(errors="replace")
        return delimiter_of(decoder.decode(head, final=whole), whole=whole)

    def _words(self, read: TextRead, kind: str, delimiter: Delimiter | None = None) -> str | None:
        as_it_is = kind == "csv" and not self._commas
        if read.encoding is None and delimiter is None and not as_it_is:
            return None
        rows = f" with {_spoken(delimiter)}" if delimiter else ""
        return f"{read.encoding or 'utf-8'}{rows} {self.by}"


def _spoken(delimiter: Delimiter) -> str:
    return _SPOKEN.get(delimiter.character, repr(delimiter.character))


def _encoding_of(taken: str | None) -> str | None:
    return taken.partition(" ")[0] if taken else None


def _commas(fd: int, encoding: str, head: bytes, delimiter: Delimiter) -> IO[bytes] | None:
    try:
        return rewritten(with_commas(pieces(fd, encoding, head), delimiter))
    except csv.Error:  # no table further down: sent as it is
        return None
