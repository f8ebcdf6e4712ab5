"""E-mail to Markdown, by Python's own library: headers, text, and names of what is attached."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator, Sequence
from email.message import EmailMessage, MIMEPart
from typing import IO

from kbsync.source.convert.answers import ConversionError, Said
from kbsync.source.convert.web import of_html

_SHOWN = ("From", "To", "Cc", "Date")


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a message as Markdown.

    Raises:
        ConversionError: it is no message.
    """
    message = email.message_from_binary_file(file, policy=email.policy.default)
    if not any(name in message for name in (*_SHOWN, "Subject", "Received", "Message-ID")):
        raise ConversionError(Said.BROKEN, "it has none of the headers of a message")
    fields = {name: _header(message, name) for name in _SHOWN}
    yield from letter(_header(message, "Subject"), fields, _body(message), _attached(message))


def letter(
    subject: str, fields: dict[str, str], body: str, attached: Sequence[str]
) -> Iterator[str]:
    """Yield the parts of a message.

    Args:
        subject: its heading.
        fields: who wrote it to whom, and when.
        body: its text.
        attached: names of what is attached to it.
    """
    yield f"# {subject or '(no subject)'}\n\n"
    yield from (f"{name}: {_readable(text)}\n" for name, text in fields.items() if text)
    yield f"\n{body.strip()}\n"
    if attached:
        yield f"\nAttachments: {', '.join(attached)}\n"


def _readable(addresses: str) -> str:
    return addresses.replace("<", "(").replace(">", ")")


def _header(message: EmailMessage, name: str) -> str:
    try:
        found = message[name]
    # A header that was made for it breaks the library's parser.
    except Exception:
        return ""
    return " ".join(str(found or "").split())


def _body(message: EmailMessage) -> str:
    found = message.get_body(("plain", "html"))
    if found is None:
        return ""
    text = _content(found)
    return of_html(text) if found.get_content_subtype() == "html" else text


def _content(part: MIMEPart) -> str:
    """Return a text, also where it names a charset that there is not."""
    try:
        return str(part.get_content())
    except (LookupError, ValueError):
        data = part.get_payload(decode=True)
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""


def _attached(message: EmailMessage) -> list[str]:
    return [
        " ".join((each.get_filename() or "").split()) or "unnamed"
        for each in message.iter_attachments()
    ]
