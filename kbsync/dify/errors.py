"""A reply that is no success → an `Outcome`. Pure: every status and body is a row of a test.

What kbsync does with an outcome (stop, again, back off) is in `engine/execute/results.py`.

Three rules stand over the table. A refusal in the API's own envelope is definite. A failure after
sending is `Ambiguous` for a write and `NotReady` for a read, which may be repeated. What no
knowledge API says (a web page, an unknown 404) proves nothing about documents: the address is
wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime

from kbsync.dify import gateways
from kbsync.dify.reading import Malformed, read
from kbsync.dify.request import ApiCall, ApiReply, Subject
from kbsync.dify.schemas import Envelope
from kbsync.dify.way import Way
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Message, Notice
from kbsync.messages import remote as messages
from kbsync.model import (
    Ambiguous,
    Failure,
    Gone,
    NotReady,
    NotSent,
    Rejected,
    Throttled,
    Unauthorized,
    Withheld,
)
from kbsync.model.refusals import no_model, no_room, not_in_use

# Dify Cloud counts calls in a sliding window of 60 s, refused ones too (docs/dify-api.md 12).
WINDOW = 60.0
AGAIN = 5.0
LONGEST_WAIT = 3600.0

Verdict = Callable[[ApiCall, str], Failure]


@dataclass(frozen=True, slots=True)
class RefusalRule:
    """One kind of refusal in the API's own envelope. None fits anything.

    Args:
        says: a regular expression found in the message, whatever its case.
        means: tells whether the message means it.
    """

    status: int
    verdict: Verdict
    code: str | None = None
    says: str | None = None
    about: Subject | None = None
    means: Callable[[str], bool] | None = None

    def fits(self, call: ApiCall, status: int, code: str, message: str) -> bool:
        """Whether that refusal is of this kind."""
        return (
            status == self.status
            and self.code in (None, code)
            and self.about in (None, call.subject)
            and (self.says is None or re.search(self.says, message, re.IGNORECASE) is not None)
            and (self.means is None or self.means(message))
        )


def _rejected(message: Message) -> Verdict:
    return lambda call, words: Rejected(message(what=call.what, words=words))


def _withheld(message: Message, *, updates: bool = True) -> Verdict:
    return lambda call, words: Withheld(message(what=call.what, words=words), updates=updates)


def _unauthorized(message: Message) -> Verdict:
    return lambda call, words: Unauthorized(message(what=call.what, words=words))


def _wait(message: Message, seconds: float) -> Verdict:
    return lambda call, words: NotReady(message(what=call.what, words=words), seconds)


def _gone(call: ApiCall, words: str) -> Failure:
    return Gone()


def _throttled(call: ApiCall, words: str) -> Failure:
    return Throttled(WINDOW)


# Seconds to wait: the lock of a switch lives 600 s (docs/dify-api.md 6.5), the others are guesses.
LOCK, LONG, SHORT = 600.0, 60.0, 10.0
UNKNOWN_ROUTE = re.compile(r"The requested URL was not found", re.IGNORECASE)
MODEL = r"^Default model not found|^Provider .* does not exist|^Model .* is not initialized"
MODEL_CODES = ("provider_not_initialize", "provider_quota_exceeded", "model_currently_not_support")


def _of_the_base(status: int) -> tuple[RefusalRule, ...]:
    """Return the rules of refusals that come whatever file is sent."""
    upload = Subject.UPLOAD
    away, full = _withheld(messages.MODEL_AWAY), _withheld(messages.QUOTA, updates=False)
    return (
        *(RefusalRule(status, away, code=code, about=upload) for code in MODEL_CODES),
        RefusalRule(status, away, about=upload, means=no_model),
        RefusalRule(status, full, about=upload, means=no_room),
        RefusalRule(status, _withheld(messages.OUT_OF_USE), about=upload, means=not_in_use),
    )


# The first rule that fits decides.
RULES = (
    RefusalRule(401, _unauthorized(messages.WRONG_KEY)),
    # Rate limit, quotas and permission share status and code (docs/dify-api.md 12).
    RefusalRule(403, _throttled, says="rate limit"),
    RefusalRule(403, _unauthorized(messages.API_SWITCHED_OFF), says="api access is not enabled"),
    RefusalRule(403, _rejected(messages.ARCHIVED), code="archived_document_immutable"),
    *_of_the_base(403),
    RefusalRule(403, _rejected(messages.QUOTA), means=no_room),
    RefusalRule(402, _withheld(messages.QUOTA, updates=False), about=Subject.UPLOAD),
    RefusalRule(403, _unauthorized(messages.NOT_ALLOWED)),
    RefusalRule(404, _wait(messages.NOT_COMPLETED, SHORT), says="^Document is not completed"),
    RefusalRule(404, _rejected(messages.SWITCHED_OFF), says="^Document is disabled"),
    RefusalRule(404, _gone, code="not_found"),
    RefusalRule(405, _rejected(messages.UNKNOWN_CALL)),
    RefusalRule(409, _rejected(messages.NAME_TAKEN), code="dataset_name_duplicate"),
    RefusalRule(413, _rejected(messages.TOO_LARGE)),
    RefusalRule(415, _rejected(messages.TYPE_REFUSED), code="unsupported_file_type"),
    RefusalRule(
        400,
        _withheld(messages.PLUGINS_AWAY),
        says="^Failed to request plugin daemon",
        about=Subject.UPLOAD,
    ),
    RefusalRule(400, _wait(messages.PLUGINS_AWAY, LONG), says="^Failed to request plugin daemon"),
    *_of_the_base(400),
    RefusalRule(400, _wait(messages.NOT_AVAILABLE, SHORT), says="^Document is not available"),
    RefusalRule(400, _wait(messages.NOT_AVAILABLE, SHORT), code="document_indexing"),
    RefusalRule(400, _wait(messages.NOT_COMPLETED, SHORT), "invalid_action", "is not completed"),
    RefusalRule(400, _wait(messages.SWITCH_LOCKED, LOCK), "invalid_action", "is being indexed"),
    RefusalRule(400, _wait(messages.METADATA_LOCKED, SHORT), says="metadata operation is running"),
    RefusalRule(400, _gone, says="^Dataset (does|is) not exist"),
    # One document of a batch is gone; those behind it were not written (1.13.1 and newer).
    RefusalRule(400, _gone, says="^Document not found", about=Subject.METADATA),
    RefusalRule(400, _unauthorized(messages.NOT_ALLOWED), says="^You do not have permission"),
    RefusalRule(
        400, _rejected(messages.NAME_TAKEN), says="^(Dataset|Metadata|Tag) name already exists"
    ),
    RefusalRule(400, _rejected(messages.TYPE_OR_SIZE), "invalid_param", "^$", Subject.UPLOAD),
    RefusalRule(400, _rejected(messages.TYPE_REFUSED), code="file_extension_blocked"),
    # When a base is made a missing model is a wrong configuration; later it is an outage.
    RefusalRule(400, _rejected(messages.NO_MODEL), says=MODEL, about=Subject.BASE),
    RefusalRule(400, _wait(messages.MODEL_AWAY, LONG), says=MODEL),
    RefusalRule(400, _rejected(messages.NO_MODEL), "provider_not_initialize", about=Subject.BASE),
    RefusalRule(400, _wait(messages.MODEL_AWAY, LONG), code="provider_not_initialize"),
)


def fault(call: ApiCall, reply: ApiReply, way: Way, now: float, *, sent: bool = True) -> Failure:
    """Return what a reply that is no success means.

    Args:
        call: the call.
        reply: its status is not 2xx.
        way: how the server is reached.
        now: epoch seconds, for a Retry-After that names a date.
        sent: whether the whole request went out before the reply came.
    """
    status, envelope = reply.status, _envelope(reply)
    if 300 <= status < 400:
        return Unauthorized(gateways.redirected(call, reply, way.access.url, way.where))
    if status == 429:
        return Throttled(_retry_after(reply, now) or WINDOW)
    if status == 407:
        return Unauthorized(_of_the_proxy(call, way, "407, it wants a user and a password"))
    if login := gateways.wants_login(call, reply, way.where, spoke=envelope is not None):
        return Unauthorized(login)
    if status == 500 and (inputs := _missing_inputs(reply)):
        return Unauthorized(messages.PIPELINE_INPUTS(what=call.what, words=inputs))
    if status >= 500 or status < 200 or status == 408:
        why = _server_fault(call, reply, way, spoke=envelope is not None)
        failure = interrupted(call, why, sent=sent, after=_retry_after(reply, now))
        return _for_all(call, status, _excerpt(reply), failure)
    # An unknown route: most answer it with a web page, some in the envelope of an unknown id.
    if envelope is None or (status == 404 and UNKNOWN_ROUTE.match(envelope[1])):
        return _no_envelope(call, reply, way)
    return _refusal(call, status, *envelope)


def _for_all(call: ApiCall, status: int, words: str, failure: Failure) -> Failure:
    """Return `failure` of an upload; in maintenance, and on a full disk, all fare the same."""
    all_fare_so = status in (503, 507) or no_room(words)
    if isinstance(failure, Ambiguous) and call.subject is Subject.UPLOAD and all_fare_so:
        return replace(failure, withheld=True)
    return failure


def interrupted(call: ApiCall, why: Notice, *, sent: bool, after: float | None = None) -> Failure:
    """Return what a call means that broke off or failed for `why`."""
    if not call.write:
        return NotReady(why, after or AGAIN)
    return Ambiguous(why) if sent else NotSent(why)


def malformed(call: ApiCall, reply: ApiReply, way: Way, words: str) -> Failure:
    """Return what a success means whose body cannot be read: a write may well have happened."""
    if _looks_like_json(reply):
        why = messages.MALFORMED(what=call.what, words=words)
    else:
        why = gateways.wants_login(call, reply, way.where, spoke=False) or messages.NOT_JSON(
            what=call.what,
            url=way.where,
            status=reply.status,
            kind=gateways.page(reply),
            remedy=gateways.hint(way.access.url),
        )
    return interrupted(call, why, sent=True, after=WINDOW)


def another_id(what: str) -> NotReady:
    """Return what a reply means that is about another id than was asked for: nothing is known."""
    return NotReady(messages.MALFORMED(what=what, words="it is about another id"), AGAIN)


def _server_fault(call: ApiCall, reply: ApiReply, way: Way, *, spoke: bool) -> Notice:
    # A server that is asked through a tunnel answers itself.
    if way.proxy is not None and way.access.url.startswith("http:") and not spoke:
        said = f"{reply.status}, {gateways.page(reply)}"
        return _of_the_proxy(call, way, said, messages.PROXY_AWAY)
    return messages.SERVER_FAULT(what=call.what, status=reply.status, words=_excerpt(reply))


def _of_the_proxy(call: ApiCall, way: Way, words: str, message: Message = messages.PROXY) -> Notice:
    proxy = way.proxy
    if proxy is None:
        origin, shown, remedy = "the network", way.access.url, "name it as server.proxy"
    else:
        origin, shown, remedy = proxy.origin, proxy.shown, proxy.remedy
    return message(what=call.what, proxy=shown, origin=origin, words=words, remedy=remedy)


def _no_envelope(call: ApiCall, reply: ApiReply, way: Way) -> Failure:
    if reply.status == 413:
        return Rejected(messages.TOO_LARGE(what=call.what))
    if reply.status == 405:
        return Rejected(messages.UNKNOWN_CALL(what=call.what))
    if tls := gateways.wants_tls(call, reply, way.access.url, way.where):
        return Unauthorized(tls)
    remedy = gateways.hint(way.access.url)
    return Unauthorized(
        messages.WRONG_URL(what=call.what, url=way.where, status=reply.status, remedy=remedy)
    )


def _envelope(reply: ApiReply) -> tuple[str, str] | None:
    """Return (code, message) when the body is one of the API's (docs/dify-api.md 1.2)."""
    try:
        found = read(Envelope, reply.body)
    except Malformed:
        return None
    if found.code is None:
        return ("", found.error) if isinstance(found.error, str) else None
    return found.code, found.message or ""


def _retry_after(reply: ApiReply, now: float) -> float | None:
    """Return the seconds a Retry-After asks for, within reason."""
    asked = reply.headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        seconds = float(asked[:9])
    else:
        try:
            seconds = parsedate_to_datetime(asked).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 1.0), LONGEST_WAIT)


def _missing_inputs(reply: ApiReply) -> str:
    """Return what a pipeline says that got no inputs; it made no document then (section 14)."""
    code, message = _envelope(reply) or ("", "")
    known = code == "pipeline_run_error" and " in input form" in message
    return _gist(message) if known else ""


def _looks_like_json(reply: ApiReply) -> bool:
    return "json" in reply.headers.get("content-type", "")


def _excerpt(reply: ApiReply) -> str:
    envelope = _envelope(reply)
    return envelope[1][:200] if envelope else gateways.page(reply)


def _refusal(call: ApiCall, status: int, code: str, message: str) -> Failure:
    """Return what the API's own refusal means.

    Args:
        call: the call.
        status: 400 to 499.
        code: the envelope's code, empty for the one body that has none.
        message: the envelope's message.
    """
    for rule in RULES:
        if rule.fits(call, status, code, message):
            return rule.verdict(call, _gist(message))
    shown, words = f" {code}" if code else "", _gist(message) or "no reason given"
    return Rejected(messages.REFUSED(what=call.what, status=status, code=shown, words=words))


def _gist(message: str) -> str:
    """Return what is worth showing: a validation failure has its point on lines two and three."""
    lines = [line.strip() for line in message.splitlines()[:3] if line.strip()]
    return ": ".join(lines)[:200]
