"""Words by which a server refuses whatever it is sent: the file has no part in it."""

from __future__ import annotations

import re

# A size is the file's, whatever limit it is over.
_OF_THE_FILE = r"\bsize\b|\btoo (large|long|big)\b"
_WHAT = r"\b(limits?|quotas?|capacity|credits?|subscription|plan|storage|disk|space)\b"
_HOW = r"\b(reached|exceeds?|exceeded|exhausted|used up|full|insufficient|no more|upgrade)\b"
_NO_ROOM = re.compile(
    rf"^(?!.*(?:{_OF_THE_FILE}))"
    rf"(?:.*{_WHAT}.*{_HOW}|.*{_HOW}.*{_WHAT}|.*unlock this feature|.*no space left)",
    re.IGNORECASE | re.DOTALL,
)
_NOT_IN_USE = re.compile(
    r"\b(account|user|member|owner|workspace|tenant|license|subscription)\b.*"
    r"\b(invalid|archived|banned|closed|disabled|inactive|suspended|frozen|expired|not (exist|found"
    r"|active)|does not exist)\b|^invalid user account",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"^Default model not found|^Provider .* (does )?not exist|^No (embedding )?model available"
    r"|^Model .* (is not initialized|(does )?not exist|not found|not support)"
    r"|\bcredentials? .*not (initialized|set|provided|valid)",
    re.IGNORECASE,
)


def no_room(words: str) -> bool:
    """Return whether `words` say that there is no room for another document, whichever it is."""
    return _NO_ROOM.search(words) is not None


def not_in_use(words: str) -> bool:
    """Return whether `words` say that an account, a workspace or a licence is of no use now."""
    return _NOT_IN_USE.search(words) is not None


def no_model(words: str) -> bool:
    """Return whether `words` say that the model is not there now."""
    return _NO_MODEL.search(words) is not None


def not_the_files(words: str) -> bool:
    """Return whether `words` are about something else than what was sent."""
    return no_room(words) or not_in_use(words) or no_model(words)
