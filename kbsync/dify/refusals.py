"""The API's own 4xx envelopes → `Outcome`, as a table: the first rule that fits decides.

Messages are matched only where the contract says that nothing else tells cases apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kbsync.dify.calls import Call, Subject
from kbsync.messages import Message
from kbsync.messages import remote as messages
from kbsync.model import Failure, Gone, NotReady, Rejected, Throttled, Unauthorized

Verdict = Callable[[Call, str], Failure]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of refusal. None fits anything.

    Args:
        says: a regular expression found in the message, whatever its case.
    """

    status: int
    verdict: Verdict
    code: str | None = None
    says: str | None = None
    about: Subject | None = None

    def fits(self, call: Call, status: int, code: str, message: str) -> bool:
        """Whether this rule speaks of that refusal."""
        return (
            status == self.status
            and self.code in (None, code)
            and self.about in (None, call.subject)
            and (self.says is None or re.search(self.says, message, re.IGNORECASE) is not None)
        )


def _rejected(message: Message) -> Verdict:
    return lambda call, words: Rejected(message(what=call.what, words=words))


def _unauthorized(message: Message) -> Verdict:
    return lambda call, words: Unauthorized(message(what=call.what, words=words))


def _later(message: Message, seconds: float) -> Verdict:
    return lambda call, words: NotReady(message(what=call.what, words=words), seconds)


def _gone(call: Call, words: str) -> Failure:
    return Gone()


def _throttled(call: Call, words: str) -> Failure:
    # The cloud's window; refused calls keep it full (docs/dify-api.md 12).
    return Throttled(60.0)


# Seconds: a toggle's lock lives 600 s (docs/dify-api.md 6.5); the others are patience.
LOCK, LONG, SHORT = 600.0, 60.0, 10.0
MODEL = r"^Default model not found|^Provider .* does not exist"

RULES = (
    Rule(401, _unauthorized(messages.WRONG_KEY)),
    # Rate limit, quotas and permission share status and code (docs/dify-api.md 12).
    Rule(403, _throttled, says="rate limit"),
    Rule(403, _unauthorized(messages.API_SWITCHED_OFF), says="api access is not enabled"),
    Rule(403, _rejected(messages.ARCHIVED), code="archived_document_immutable"),
    Rule(403, _rejected(messages.QUOTA), says="limit of your subscription|unlock this feature"),
    Rule(403, _unauthorized(messages.NOT_ALLOWED)),
    Rule(404, _later(messages.NOT_COMPLETED, SHORT), says="^Document is not completed"),
    Rule(404, _rejected(messages.SWITCHED_OFF), says="^Document is disabled"),
    Rule(404, _gone, code="not_found"),
    Rule(405, _rejected(messages.UNKNOWN_CALL)),
    Rule(409, _rejected(messages.NAME_TAKEN), code="dataset_name_duplicate"),
    Rule(413, _rejected(messages.TOO_LARGE)),
    Rule(415, _rejected(messages.TYPE_REFUSED), code="unsupported_file_type"),
    Rule(400, _later(messages.PLUGINS_AWAY, LONG), says="^Failed to request plugin daemon"),
    Rule(400, _later(messages.NOT_AVAILABLE, SHORT), says="^Document is not available"),
    Rule(400, _later(messages.NOT_AVAILABLE, SHORT), code="document_indexing"),
    Rule(400, _later(messages.NOT_COMPLETED, SHORT), "invalid_action", "is not completed"),
    Rule(400, _later(messages.SWITCH_LOCKED, LOCK), "invalid_action", "is being indexed"),
    Rule(400, _later(messages.METADATA_LOCKED, SHORT), says="metadata operation is running"),
    Rule(400, _gone, says="^Dataset does not exist"),
    Rule(400, _unauthorized(messages.NOT_ALLOWED), says="^You do not have permission"),
    Rule(400, _rejected(messages.NAME_TAKEN), says="^(Dataset|Metadata|Tag) name already exists"),
    Rule(400, _rejected(messages.TYPE_OR_SIZE), "invalid_param", "^$", Subject.UPLOAD),
    Rule(400, _rejected(messages.TYPE_REFUSED), code="file_extension_blocked"),
    # A base asked for with a model nobody has is a wrong configuration; later it is an outage.
    Rule(400, _rejected(messages.NO_MODEL), says=MODEL, about=Subject.BASE),
    Rule(400, _later(messages.MODEL_AWAY, LONG), says=MODEL),
    Rule(400, _rejected(messages.NO_MODEL), "provider_not_initialize", about=Subject.BASE),
    Rule(400, _later(messages.MODEL_AWAY, LONG), code="provider_not_initialize"),
)


def refusal(call: Call, status: int, code: str, message: str) -> Failure:
    """Return what the API's own refusal means.

    Args:
        call: what was asked.
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
