"""Outlook messages to Markdown, by python-oxmsg."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from oxmsg import Message

from kbsync.source.convert.mail import letter
from kbsync.source.convert.web import of_html


def markdown(file: IO[bytes]) -> Iterator[str]:
    """Yield a message as Markdown."""
    message = Message.load(file)
    sent = message.sent_date
    fields = {
        "From": message.sender or "",
        "To": ", ".join(filter(None, map(_recipient, message.recipients))),
        "Date": sent.isoformat() if sent else "",
    }
    body = message.body or (of_html(message.html_body) if message.html_body else "")
    attached = [each.file_name or "unnamed" for each in message.attachments]
    yield from letter(_line(message.subject), fields, body, attached)


def _recipient(who: object) -> str:
    name, address = getattr(who, "name", ""), getattr(who, "email_address", "")
    return _line(f"{name} <{address}>" if name and address else name or address)


def _line(text: str) -> str:
    return " ".join(text.split())
