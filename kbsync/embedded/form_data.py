"""Form bodies, read by Starlette's parsers with werkzeug's rules (docs/dify-api.md 4.1, 4.8)."""

from __future__ import annotations

import math
from email.message import Message as MailMessage
from email.utils import collapse_rfc2231_value
from typing import TYPE_CHECKING, Final

from python_multipart.exceptions import FormParserError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .endpoint_call import require_object
from .json_bodies import parse
from .replies import EnvelopeError

if TYPE_CHECKING:
    from starlette.types import Message, Receive

MAX_FILE_BYTES: Final = 15 * 1024 * 1024
MAX_FIELD_BYTES: Final = 500_000
# Of all files of a form, which lie in the temporary folder: one is wanted.
MAX_FORM_BYTES: Final = 4 * MAX_FILE_BYTES


class WerkzeugFormParser(MultiPartParser):
    """Starlette's multipart parser, with the rules of werkzeug that a client can observe.

    `Request.form()` follows RFC 7578 and Dify's werkzeug does not: `filename*=` counts there and
    wins over `filename=`, `%22` is a quote, a part needs no name, header bytes that are no UTF-8
    and a body without its closing boundary lose all parts, and the size limit is one for all
    fields together.
    """

    _field_bytes = 0
    _file_bytes = 0
    _kept_bytes = 0
    _complete = False

    async def parse(self) -> FormData:
        """All parts of the body.

        Raises:
            MultiPartException: the body is malformed or ends early.
            EnvelopeError: 413, the fields that are no files pass 500,000 bytes.
        """
        form = await super().parse()
        if not self._complete:
            await form.close()
            raise MultiPartException("The body ends before its closing boundary.")
        return form

    def on_headers_finished(self) -> None:
        """Take name and file name from the part's headers; Starlette opens its spool file."""
        part = self._current_part
        try:
            headers = {name: value.decode() for name, value in part.item_headers}
        except UnicodeDecodeError as error:
            raise MultiPartException("A header of a part is not UTF-8.") from error
        parameters = _parameters(headers.get(b"content-disposition", ""))
        filename = parameters.get("filename")
        # Starlette only has to see whether this is a file: it would read both names by RFC 7578.
        part.content_disposition = b'form-data; name=""'
        if filename is not None:
            part.content_disposition += b'; filename=""'
        super().on_headers_finished()
        part.field_name = parameters.get("name", "")
        if part.file is not None:
            part.file.filename = filename

    def on_part_begin(self) -> None:
        """Count each file from its beginning."""
        self._file_bytes = 0
        super().on_part_begin()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Count the bytes of fields and files; of a file that is too large no more is kept."""
        if self._current_part.file is None:
            self._field_bytes += end - start
            if self._field_bytes > MAX_FIELD_BYTES:
                raise _too_large()
        else:
            # One byte too many is kept: its size says that it is refused.
            end = min(end, start + MAX_FILE_BYTES + 1 - self._file_bytes)
            self._file_bytes += end - start
            self._kept_bytes += end - start
            if self._kept_bytes > MAX_FORM_BYTES:
                raise _too_large()
        super().on_part_data(data, start, end)

    def on_part_end(self) -> None:
        """Decode a field as werkzeug does: always UTF-8, broken bytes replaced."""
        part = self._current_part
        if part.file is None:
            self.items.append((part.field_name, part.data.decode("utf-8", "replace")))
        else:
            super().on_part_end()

    def on_end(self) -> None:
        """The closing boundary was read."""
        self._complete = True


async def read_form(request: Request) -> FormData:
    """The parts of a request body; none when it is torn or no form at all.

    Raises:
        EnvelopeError: 413, the fields that are no files pass 500,000 bytes.
    """
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            return await WerkzeugFormParser(request.headers, request.stream()).parse()
        # Older versions of Starlette let the error of the parser below them through.
        except (MultiPartException, FormParserError):
            return FormData()
    if kind == "application/x-www-form-urlencoded":
        return await Request(request.scope, _fields_of(request)).form(max_fields=math.inf)
    return FormData()


def _fields_of(request: Request) -> Receive:
    """What receives a body that is one of fields alone, up to their limit."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > MAX_FIELD_BYTES:
            raise _too_large()
        return message

    return receive


def form_options(form: FormData) -> dict[str, object]:
    """The JSON object in the field `data`; empty without that field."""
    fields = [text for text in form.getlist("data") if isinstance(text, str)]
    # The first part of a name wins, as in werkzeug; `form["data"]` would be the last one.
    return require_object(parse(fields[0])) if fields else {}


def form_file(form: FormData) -> UploadFile | None:
    """The one file of a form, or None.

    Raises:
        EnvelopeError: files under two names, or an empty file name.
    """
    files = {name: part for name, part in reversed(form.multi_items()) if not isinstance(part, str)}
    if len(files) > 1 and "file" in files:
        raise EnvelopeError(400, "too_many_files", "Only one file is allowed.")
    part = files.get("file")
    if part is not None and not part.filename:
        raise EnvelopeError(
            400, "filename_not_exists_error", "The specified filename does not exist."
        )
    return part


def _parameters(disposition: str) -> dict[str, str]:
    message = MailMessage()
    message["content-disposition"] = disposition
    # `get_params` lists the extended parameters last, so that `filename*=` wins here.
    return {
        name.lower(): (
            collapse_rfc2231_value(value)
            if isinstance(value, tuple)
            else value.replace("%22", '"')  # browsers and httpx write a quote so
        )
        for name, value in message.get_params([], "content-disposition")
    }


def _too_large() -> EnvelopeError:
    return EnvelopeError(
        413, "request_entity_too_large", "The data value transmitted exceeds the capacity limit."
    )
