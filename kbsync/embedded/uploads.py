"""Multipart bodies, read as a stream, with the real server's rules (docs/dify-api.md 4.1, 4.8)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from urllib.parse import parse_qsl, unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from .envelope import Refusal

SIZE_LIMIT: Final = 15 * 1024 * 1024
LARGEST_FIELDS: Final = 500_000
SPOOL_AT: Final = 1024 * 1024
LONGEST_HEADER: Final = 64 * 1024
_PARAMETER: Final = re.compile(r';\s*([\w*-]+)\s*=\s*("(?:\\.|[^"\\])*"?|[^;]*)')


@dataclass(slots=True)
class FilePart:
    """One file of the body. `size` counts every byte; bytes beyond the limit are not kept."""

    filename: str
    mime_type: str
    spool: IO[bytes]
    size: int = 0

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self.size += len(chunk)
        if self.size <= SIZE_LIMIT:
            self.spool.write(chunk)

    def content(self) -> bytes:
        """All bytes of the file."""
        self.spool.seek(0)
        return self.spool.read()


@dataclass(slots=True)
class Form:
    """The parts of a body: the first of each name wins."""

    fields: dict[str, str] = field(default_factory=dict)
    files: dict[str, FilePart] = field(default_factory=dict)

    def the_file(self) -> FilePart | None:
        """The one file, or None. Files under two names and an empty filename are refused."""
        if len(self.files) > 1 and "file" in self.files:
            raise Refusal(400, "too_many_files", "Only one file is allowed.")
        part = self.files.get("file")
        if part is not None and not part.filename:
            raise Refusal(
                400, "filename_not_exists_error", "The specified filename does not exist."
            )
        return part

    def close(self) -> None:
        """Let the spooled files go."""
        for part in self.files.values():
            part.spool.close()


async def read_form(content_type: str, stream: AsyncIterator[bytes]) -> Form:
    """Read a body to its end; one that is torn or no multipart at all has no parts.

    Raises:
        Refusal: 413 when the fields that are no files pass 500,000 bytes.
    """
    kind, parameters = _take_apart(content_type)
    boundary = parameters.get("boundary", "")
    if kind == "application/x-www-form-urlencoded":
        return await _read_urlencoded(stream)
    if kind != "multipart/form-data" or not boundary:
        return Form()
    reader = _Reader(boundary)
    try:
        async for chunk in stream:
            reader.feed(chunk)
    except BaseException:
        reader.discard()
        raise
    return reader.finish()


async def _read_urlencoded(stream: AsyncIterator[bytes]) -> Form:
    body = bytearray()
    async for chunk in stream:
        if len(body) <= LARGEST_FIELDS:
            body += chunk
    if len(body) > LARGEST_FIELDS:
        raise _too_large()
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    # The first of each name wins, so the later ones go in before it.
    return Form(fields=dict(reversed(pairs)))


def _too_large() -> Refusal:
    return Refusal(
        413,
        "request_entity_too_large",
        "The data value transmitted exceeds the capacity limit.",
    )


class _Reader:
    """Collects what the streaming parser reports."""

    def __init__(self, boundary: str) -> None:
        self._form = Form()
        self._field_bytes = 0
        self._broken = False
        self._ended = False
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._file: FilePart | None = None
        self._text: bytearray | None = None
        self._name = ""
        try:
            self._parser: MultipartParser | None = MultipartParser(
                boundary.encode("latin-1", "replace"),
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._on_header_name,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers,
                    "on_part_data": self._on_bytes,
                    "on_part_end": self._on_end,
                    "on_end": self._on_close,
                },
                max_header_size=LONGEST_HEADER,
            )
        except FormParserError:
            self._parser = None

    def feed(self, chunk: bytes) -> None:
        if self._parser is None or self._broken or not chunk:
            return
        try:
            self._parser.write(chunk)
        except FormParserError:
            self._broken = True

    def finish(self) -> Form:
        if self._field_bytes > LARGEST_FIELDS:
            self.discard()
            raise _too_large()
        if self._broken or not self._ended:
            self.discard()
            return Form()
        return self._form

    def discard(self) -> None:
        self._form.close()
        if self._file is not None:
            self._file.spool.close()

    def _begin(self) -> None:
        self._headers = {}
        self._file = self._text = None

    def _on_header_name(self, chunk: bytes, start: int, end: int) -> None:
        self._header_name += chunk[start:end]

    def _on_header_value(self, chunk: bytes, start: int, end: int) -> None:
        self._header_value += chunk[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers(self) -> None:
        try:
            told = {name: value.decode() for name, value in self._headers.items()}
        except UnicodeDecodeError:
            self._broken = True  # the real server gives the whole body up for it
            return
        _, parameters = _take_apart(told.get(b"content-disposition", ""))
        self._name = parameters.get("name", "")
        filename = parameters.get("filename")
        if filename is None:
            self._text = bytearray()
            return
        mime_type = told.get(b"content-type", "")
        spool = SpooledTemporaryFile(max_size=SPOOL_AT)  # noqa: SIM115 - closed with the form
        self._file = FilePart(filename, mime_type.partition(";")[0].strip(), spool)

    def _on_bytes(self, chunk: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file.write(chunk[start:end])
        elif self._text is not None:
            self._field_bytes += end - start
            if self._field_bytes <= LARGEST_FIELDS:
                self._text += chunk[start:end]

    def _on_end(self) -> None:
        if self._file is not None:
            if self._form.files.setdefault(self._name, self._file) is not self._file:
                self._file.spool.close()
        elif self._text is not None:
            self._form.fields.setdefault(self._name, self._text.decode("utf-8", "replace"))

    def _on_close(self) -> None:
        self._ended = True


def _take_apart(header: str) -> tuple[str, dict[str, str]]:
    """A header's value and its parameters; `name*=` is decoded and wins over `name=`."""
    value = header.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    encoded: dict[str, str] = {}
    for name, text in _PARAMETER.findall(header):
        if name.endswith("*"):
            charset, _, rest = text.partition("'")
            raw = unquote_to_bytes(rest.partition("'")[2])
            encoded[name[:-1].lower()] = _decode(raw, charset)
        else:
            plain.setdefault(name.lower(), _unquote(text))
    return value, plain | encoded


def _decode(raw: bytes, charset: str) -> str:
    if charset.lower() in {"iso-8859-1", "us-ascii", "ascii"}:
        return raw.decode("latin-1")
    return raw.decode("utf-8", "replace")


def _unquote(text: str) -> str:
    """The plain text of a quoted parameter; browsers and httpx write a quote as `%22`."""
    if not text.startswith('"'):
        return text.strip()
    inner = re.sub(r'\\(["\\])', r"\1", text[1:].removesuffix('"'))
    return inner.replace("%22", '"')
