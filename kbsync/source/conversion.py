"""What is sent for a file in the place of its bytes: UTF-8, commas in CSV, Markdown, rows."""

from __future__ import annotations

import codecs
import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, NamedTuple

from kbsync.config.encodings import AUTO
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocumentRule, Typed
from kbsync.model.file_types import extension, is_text
from kbsync.source.convert import records
from kbsync.source.convert.links import HTML, MARKDOWN, Links
from kbsync.source.convert.rich import become, not_installed
from kbsync.source.convert.rows import SEPARATOR, texts
from kbsync.source.convert.sending import BY_ROWS, CONVERTED, FILE, TEXT, links_in
from kbsync.source.cutting import chunks_of
from kbsync.source.delimited import SAMPLE, Delimiter, delimiter_of, lines, rows_of, with_commas
from kbsync.source.encoding import (
    BLOCK,
    Chosen,
    Text,
    TextRead,
    blocks,
    byte_order_mark,
    pieces,
    read_text,
    stray_byte,
)
from kbsync.source.front_matter import LONGEST, behind_front_matter, chosen, front_matter
from kbsync.source.rewritten import rewritten
from kbsync.source.taken_as import TakenAs
from kbsync.source.unmarked import has_control

GLANCE = 1 << 16
PAGE = "page"
RICH = frozenset({CONVERTED, BY_ROWS})
"""What becomes of a file by more than reading it as text."""

_LINES = frozenset({"csv", "tsv", "jsonl"})
_YAML = frozenset({"yaml", "yml"})
_BLANK, _MOST_BYTES = 1 << 12, 4 * LONGEST
_SPOKEN = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas"}


class Converted(NamedTuple):
    """What a file of text becomes.

    Args:
        content: sha256 (hex) of what is sent; empty where it is written anew.
        start: where in the file that begins: behind a UTF-8 byte order mark.
        taken: what it was taken as, in the words of the ledger; None for UTF-8 as it is.
        sent: what is sent, written anew, at its end; None for the file's own bytes.
        doubt: why it is not known what it holds: it must not be sent.
        skip: why nothing of it is ever sent in this way.
    """

    content: str = ""
    start: int = 0
    taken: str | None = None
    sent: IO[bytes] | None = None
    doubt: Notice | None = None
    skip: Notice | None = None


class Conversion:
    """What becomes of the files of one rule.

    Args:
        convert: whether text is sent as UTF-8; otherwise it is not converted.
        encoding: what it is written in that is not UTF-8, as the configuration names it.
        commas: whether CSV files are sent with commas.
        by: how that is noted in the ledger.
        send: how the files are sent (`kbsync.source.convert.sending.sent_as`).
        links: the URL that relative links are rewritten to; empty to leave them.
        longest: characters of a row at most, where they are sent row by row.
        cut: characters of a chunk at most, where texts are cut here; 0 where they are not.
        front_matter: fields of front matter that are read, and the block is left out of what is
            sent; None where it is a part of the text.
    """

    def __init__(
        self,
        *,
        convert: bool = True,
        encoding: Sequence[str] = (AUTO,),
        commas: bool = True,
        by: str = "",
        send: str = FILE,
        links: str = "",
        longest: int = 0,
        cut: int = 0,
        front_matter: tuple[str, ...] | None = None,
    ) -> None:
        self._convert = convert
        self._taken_as = TakenAs(encoding)
        self._commas = commas
        self.by = by
        self._send, self._links, self._longest = send, links, longest
        self._cut = cut
        self._fields = front_matter

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
            send=rule.send,
            links=rule.links or "",
            longest=_longest(rule) if rule.send == BY_ROWS else 0,
            cut=rule.cut,
            front_matter=rule.front_matter,
        )

    def of(self, name: str) -> str:
        """Return what becomes of a file called `name`.

        Returns:
            ``converted``, ``rows``, ``text`` (of any type, by `send`), ``page`` (HTML of which
            links are rewritten), ``csv`` or ``utf-8`` (text as a server takes it); empty for its
            own bytes.
        """
        ending = extension(name)
        if self._send != FILE:
            return self._send
        if self._links and ending in HTML:
            return PAGE
        linked = bool(self._links) and ending in MARKDOWN
        if not is_text(ending) or not (self._convert or linked):
            return ""
        return "csv" if ending == "csv" else "utf-8"

    def remembered_as(self, name: str) -> str:
        """Return what tells what becomes of a file from what another rule makes of it."""
        whole = "" if self._fields is None else " behind front matter"
        return f"{self.of(name)} {self.by} {self._links} {self._cut}{whole}"

    def converted(
        self, fd: int, kind: str, *, folder: int, before: str | None, path: str
    ) -> Converted:
        """Read a file, and write it anew where its bytes are not what is sent.

        Args:
            fd: the file.
            kind: as `of` returns, and not empty.
            folder: the file's folder.
            before: what it was taken as when it was sent; None where that is not known.
            path: its key path.

        Raises:
            OSError: it cannot be read.
        """
        found = self._written_anew(fd, kind, folder=folder, before=before, path=path)
        rested = found.doubt or found.skip
        return (
            found if rested or not self._cut or kind == BY_ROWS else self._chunks(fd, found, path)
        )

    def _chunks(self, fd: int, found: Converted, path: str) -> Converted:
        """Return a text with the separator behind each of its chunks."""
        ending = extension(path.rpartition("/")[2])
        markdown = self._send == CONVERTED or ending in MARKDOWN
        chunks = chunks_of(_text_of(fd, found), longest=self._cut, markdown=markdown)
        sent = rewritten(chunk + SEPARATOR for chunk in chunks)
        return _with_text(found._replace(content="", start=0, sent=sent))

    def _written_anew(
        self, fd: int, kind: str, *, folder: int, before: str | None, path: str
    ) -> Converted:
        ending = extension(path.rpartition("/")[2])
        if kind == CONVERTED or (kind == BY_ROWS and ending not in _LINES):
            return self._rich(fd, ending, kind, path)
        if kind == PAGE:
            return _page(fd, Links(self._links, path))

        def choose(text: Text) -> Chosen | None:
            return self._taken_as.choose(text, folder, _encoding_of(before))

        read = read_text(fd, choose)
        if read.doubt:
            return Converted(doubt=read.doubt)
        if kind == TEXT and _no_text(read):
            return Converted(skip=says.NO_TEXT())
        if kind == BY_ROWS:
            return self._by_rows(fd, read, ending)
        strips = self._strips(kind, ending)
        if self._links and links_in(self._send, ending):
            return self._linked(fd, read, kind, path, strips=strips)
        return self._text(fd, read, kind, strips=strips)

    def _rich(self, fd: int, ending: str, kind: str, path: str) -> Converted:
        links = self._links if links_in(kind, ending) else ""
        found = become(fd, ending, rows=self._longest, links=links, path=path)
        if isinstance(found, Notice):
            return Converted(doubt=found)
        return _with_text(Converted(sent=found))

    def _by_rows(self, fd: int, read: TextRead, ending: str) -> Converted:
        encoding = read.encoding or "utf-8"
        if ending == "jsonl":
            return self._by_records(lines(pieces(fd, encoding, read.head)), read)
        delimiter = self._guessed(read) or Delimiter("\t" if ending == "tsv" else ",")
        table = (row for row in rows_of(pieces(fd, encoding, read.head), delimiter) if any(row))
        taken = self._words(read, BY_ROWS, delimiter)
        try:
            sent = rewritten(texts(table, "", self._longest))
        except csv.Error as error:
            return Converted(doubt=says.NOT_CONVERTED(cause=f"it is no table: {error}"))
        return _with_text(Converted(taken=taken, sent=sent))

    def _by_records(self, found: Iterator[str], read: TextRead) -> Converted:
        try:
            sent = rewritten(records.texts(found, self._longest))
        except records.NoRecordError as error:
            return Converted(doubt=says.NOT_CONVERTED(cause=str(error)))
        return _with_text(Converted(taken=self._words(read, BY_ROWS), sent=sent))

    def _linked(self, fd: int, read: TextRead, kind: str, path: str, *, strips: bool) -> Converted:
        text = pieces(fd, read.encoding or "utf-8", read.head)
        text = lines(behind_front_matter(text) if strips else text)
        sent = rewritten(Links(self._links, path).markdown(text))
        return Converted(taken=self._words(read, kind), sent=sent)

    def _text(self, fd: int, read: TextRead, kind: str, *, strips: bool) -> Converted:
        delimiter = self._delimiter(read) if kind == "csv" else None
        taken = self._words(read, kind, delimiter)
        if read.encoding is None and delimiter is None:
            behind = _behind(read) if strips else 0
            return Converted("" if behind else read.content, behind or read.start, taken)
        encoding = read.encoding or "utf-8"
        if delimiter and (rows := _commas(fd, encoding, read.head, delimiter)):
            return Converted(taken=taken, sent=rows)
        if read.encoding is None:
            return Converted(read.content, read.start)
        text = pieces(fd, encoding, read.head)
        sent = rewritten(behind_front_matter(text) if strips else text)
        return Converted(taken=self._words(read, kind), sent=sent)

    def front_matter(
        self, fd: int, name: str, *, folder: int, before: str | None
    ) -> Mapping[str, Typed | None]:
        """Return the chosen fields of the front matter of a file; None for one without a value.

        Args:
            fd: the file.
            name: its name.
            folder, before: as for `converted`.

        Raises:
            NotUsableError: it cannot be read as fields.
        """
        if not self._fields or not self._strips(self.of(name), extension(name)):
            return {}
        head = os.pread(fd, _MOST_BYTES, 0)
        encoding = "utf-8-sig"
        if stray_byte(head) >= 0 or has_control(head):

            def choose(text: Text) -> Chosen | None:
                return self._taken_as.choose(text, folder, _encoding_of(before))

            read = read_text(fd, choose)
            if read.doubt:  # then it is not sent either
                return {}
            encoding = read.encoding or encoding
        decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        return chosen(front_matter(decoder.decode(head))[0], self._fields)

    def _strips(self, kind: str, ending: str) -> bool:
        """Whether front matter is left out of a file; YAML itself begins like it."""
        return self._fields is not None and kind in ("utf-8", TEXT) and ending not in _YAML

    def glanced(self, fd: int, kind: str, *, folder: int, ending: str) -> Converted:
        """Return what is plain by the beginning of the file `fd`: a doubt, or why it is skipped.

        Args:
            fd: the file.
            kind: as `of` returns, and not empty.
            folder: descriptor of its folder.
            ending: its extension, lower case.
        """
        if kind == CONVERTED or (kind == BY_ROWS and ending not in _LINES):
            return Converted(doubt=not_installed(ending, rows=kind == BY_ROWS))
        if kind == PAGE:
            return Converted()
        head = os.pread(fd, GLANCE, 0)
        stray = stray_byte(head)
        if stray < 0 and not has_control(head):
            return Converted()
        chosen = self._taken_as.choose(Text(fd, head, stray), folder, None)
        if chosen and chosen.doubt:
            return Converted(doubt=chosen.doubt)
        read = TextRead(0, "", chosen.encoding if chosen else None, head)
        return Converted(skip=says.NO_TEXT() if kind == TEXT and _no_text(read) else None)

    def _delimiter(self, read: TextRead) -> Delimiter | None:
        return self._guessed(read) if self._commas else None

    def _guessed(self, read: TextRead) -> Delimiter | None:
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


def _behind(read: TextRead) -> int:
    """Return where the text behind front matter begins in a file of UTF-8, 0 without any."""
    head = read.head[read.start : read.start + _MOST_BYTES]
    if not head.startswith(b"---"):
        return 0
    text = codecs.getincrementaldecoder("utf-8")().decode(head)
    end = front_matter(text)[1]
    return read.start + len(text[:end].encode()) if end else 0


def _spoken(delimiter: Delimiter) -> str:
    return _SPOKEN.get(delimiter.character, repr(delimiter.character))


def _longest(rule: DocumentRule) -> int:
    rules = rule.chunking.process_rule["rules"]
    longest: int = rules["segmentation"]["max_tokens"]  # type: ignore[index]
    return longest


def _text_of(fd: int, found: Converted) -> Iterator[str]:
    """Yield what is sent of a file so far: what was written anew, else its own bytes."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    own = blocks(fd, found.start)
    for block in own if found.sent is None else _blocks_from(found.sent):
        yield decoder.decode(block)
    yield decoder.decode(b"", final=True)


def _blocks_from(sent: IO[bytes]) -> Iterator[bytes]:
    sent.seek(0)
    while block := sent.read(BLOCK):
        yield block
    sent.close()


def _no_text(read: TextRead) -> bool:
    """Whether a file is none of text: no text has these bytes but in wide characters."""
    return b"\0" in read.head and not (read.encoding or "").startswith(("utf-16", "utf-32"))


def _with_text(found: Converted) -> Converted:
    """Return what was written anew, unless it has no text."""
    sent = found.sent
    if sent is None or sent.tell() > _BLANK:
        return found
    sent.seek(0)
    if sent.read().strip():
        return found
    sent.close()
    return Converted(skip=says.NOTHING_CONVERTED())


def _page(fd: int, links: Links) -> Converted:
    """Return a page with absolute links; its other bytes are as they were, in any charset."""
    head = os.pread(fd, 4, 0)
    if byte_order_mark(head):  # wide characters: no charset that has ASCII in it
        return Converted(sent=rewritten(pieces(fd, "latin-1"), "latin-1"))
    return Converted(sent=rewritten(_linked_page(fd, links), "latin-1"))


def _linked_page(fd: int, links: Links) -> Iterator[str]:
    return links.html(lines(pieces(fd, "latin-1")))


def _encoding_of(taken: str | None) -> str | None:
    return taken.partition(" ")[0] if taken else None


def _commas(fd: int, encoding: str, head: bytes, delimiter: Delimiter) -> IO[bytes] | None:
    try:
        return rewritten(with_commas(pieces(fd, encoding, head), delimiter))
    except csv.Error:  # no table further down: sent as it is
        return None
