"""What came back → an `Outcome`: pure, so that every status and body is a row of a test.

Three rules stand over the table. A refusal the server states is definite. A failure after sending
is `Ambiguous` for a write and `NotReady` for a read, which may be repeated. What no knowledge API
says (a web page, an unknown 404) proves nothing about documents: it blames the address.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from kbsync.dify.calls import Call, Reply
from kbsync.dify.reading import JsonObject, Malformed, parse
from kbsync.dify.refusals import refusal
from kbsync.messages import Notice
from kbsync.messages import remote as messages
from kbsync.model import (
    Ambiguous,
    Failure,
    NotReady,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
)

# Dify Cloud counts calls in a sliding window of 60 s, refused ones too (docs/dify-api.md 12).
WINDOW = 60.0
AGAIN = 5.0
LONGEST_REST = 3600.0


def fault(call: Call, reply: Reply, url: str, now: float, *, sent: bool = True) -> Failure:
    """Return what a reply that is no success means.

    Args:
        call: what was asked.
        reply: what came; its status is not 2xx.
        url: the base address, for messages.
        now: epoch seconds, for a Retry-After that names a date.
        sent: whether the whole request went out before the reply came.
    """
    status = reply.status
    if 300 <= status < 400:
        target = _host(reply.headers.get("location", ""), url)
        return Rejected(messages.REDIRECTED(what=call.what, url=url, target=target))
    if status == 429:
        return Throttled(_rest(reply, now) or WINDOW)
    if status == 407:
        return Unauthorized(messages.PROXY(what=call.what, url=url, words="407"))
    if status >= 500 or status < 200 or status == 408:
        why = messages.SERVER_FAULT(what=call.what, status=status, words=_excerpt(reply))
        return interrupted(call, why, sent=sent, after=_rest(reply, now))
    envelope = _envelope(reply)
    if envelope is None:
        return _no_envelope(call, reply, url)
    return refusal(call, status, *envelope)


def interrupted(call: Call, why: Notice, *, sent: bool, after: float | None = None) -> Failure:
    """Return what a call means that broke off or failed for `why`."""
    if not call.write:
        return NotReady(why, after or AGAIN)
    return Ambiguous(why) if sent else NotSent(why)


def malformed(call: Call, reply: Reply, url: str, fault: Malformed) -> Failure:
    """Return what a success means whose body cannot be read: a write may well have happened."""
    if _looks_like_json(reply):
        why = messages.MALFORMED(what=call.what, words=str(fault))
    else:
        why = messages.NOT_JSON(what=call.what, url=url, status=reply.status, kind=_kind(reply))
    return interrupted(call, why, sent=True, after=WINDOW)


def _no_envelope(call: Call, reply: Reply, url: str) -> Failure:
    if reply.status == 413:
        return Rejected(messages.TOO_LARGE(what=call.what))
    if reply.status == 405:
        return Rejected(messages.UNKNOWN_CALL(what=call.what))
    return Unauthorized(messages.WRONG_URL(what=call.what, url=url, status=reply.status))


def _envelope(reply: Reply) -> tuple[str, str] | None:
    """Return (code, message) when the body is one of the API's (docs/dify-api.md 1.2)."""
    try:
        json = JsonObject(parse(reply.body))
        if json.raw("error") is not None and json.raw("code") is None:
            return "", json.text("error")
        return json.text("code"), json.text_or_none("message") or ""
    except Malformed:
        return None


def _rest(reply: Reply, now: float) -> float | None:
    """Return the seconds a Retry-After asks for, within reason."""
    told = reply.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        seconds = float(told[:9])
    else:
        try:
            seconds = parsedate_to_datetime(told).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 1.0), LONGEST_REST)


def _host(location: str, url: str) -> str:
    try:
        return urlsplit(location).hostname or urlsplit(url).hostname or "?"
    except ValueError:
        return "?"


def _looks_like_json(reply: Reply) -> bool:
    return "json" in reply.headers.get("content-type", "")


def _kind(reply: Reply) -> str:
    return reply.headers.get("content-type", "").partition(";")[0].strip()[:60] or "no type"


def _excerpt(reply: Reply) -> str:
    told = _envelope(reply)
    return told[1][:200] if told else _kind(reply)
