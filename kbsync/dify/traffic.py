"""What was asked of one server, counted: requests by call and outcome, and bytes sent up."""

from __future__ import annotations

import re
from collections import Counter

from kbsync.dify.request import ApiCall
from kbsync.model import Done

_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Traffic:
    """Counts since the connection was opened; nothing of a path, an id or a key is in them.

    Attributes:
        requests: by the call in words, and its outcome in words.
        uploaded: bytes of files that were sent in full.
    """

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str]] = Counter()
        self.uploaded = 0

    def note(self, call: ApiCall, outcome: object, uploaded: int) -> None:
        """Count one request.

        Args:
            call: what was asked.
            outcome: one of `kbsync.model.Outcome`.
            uploaded: bytes of its file that were sent.
        """
        self.requests[call.what, outcome_word(outcome)] += 1
        self.uploaded += uploaded


def outcome_word(outcome: object) -> str:
    """Return an outcome in one word: ``done``, ``throttled``, ``not_ready`` and so on."""
    if isinstance(outcome, Done):
        return "done"
    return _WORD.sub("_", type(outcome).__name__).lower()
