"""Known faults of real servers, switched on by name where the version does not have them.

With one a client can be tested against a fault without a server that has it
(docs/dify-api.md sections 5, 9, 12 and 13).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from .replies import forbidden
from .versions import Merging, Profile

_WINDOW_SECONDS: Final = 60.0

QUIRKS: Final[dict[str, str]] = {
    "wedging-update": "Report version 1.12.1; updating a document that has chunks leaves it "
    "`indexing` for ever and costs one worker slot until the server restarts.",
    "cloud-throttle": "Refuse writes and searches beyond N (default 10) in any 60 s with the "
    "cloud's 403; refused calls count too.",
    "locking-toggles": "Lock a document against status changes for N seconds (default 600) after "
    "each enable, disable, archive or un_archive.",
    "broken-tags": "Creating, renaming and listing tags answer 400 although they did the work.",
    "plugin-daemon-away": "Reading knowledge bases and models answers 400; uploads still work.",
    "no-models": "No model for embeddings: high quality and search by meaning are refused.",
    "dropped-metadata": "Assigning metadata answers success and stores nothing.",
    "no-merge": "A file whose name exists already becomes a second document, as on old servers.",
    "no-partial-update": "`partial_update` of metadata is ignored: values are always replaced.",
    "no-metadata": "The metadata routes do not exist and documents never carry values.",
    "empty-index": "Documents complete without a single chunk.",
    "leftover-chunks": "An update leaves the old chunks, marked `re_segment`, beside the new ones.",
    "document-limit": "Refuse every create once there are N documents (default 10), as a full "
    "subscription does.",
    "stuck-indexing": "Documents stay `waiting` and are never indexed.",
    "lost-tasks": "Lose the queue once, at upload N (default 10): what is `waiting` then is never "
    "indexed, what is sent later is.",
    "killed-worker": "Kill the indexing worker once, at upload N (default 10), and start another: "
    "documents in hand stay as they are.",
    "overlapping-uploads": "An upload sent while the last one of that document is unfinished "
    "leaves the chunks of the document doubled.",
    "lost-keywords": "What an economy base indexes at the same time is lost from search; 1.16 does "
    "so by itself, =off ends that.",
    "pipeline-bases": "Every knowledge base has a pipeline, which takes one file; "
    "pipeline-bases=draft, =inputs, =node-inputs or =two: one that kbsync cannot run.",
    "version": "Report N (for example version=0.15.3) as the server's version; `version=` none, as "
    "behind a gateway that drops the header.",
}


class UnknownQuirkError(ValueError):
    """A quirk that does not exist, or whose value is no number."""


class Quirks:
    """The quirks that are switched on, each with its value.

    Args:
        chosen: names of `QUIRKS`, each `name` or `name=value`, or a mapping of names to values.

    Raises:
        UnknownQuirkError: a name that does not exist, or a value that is no number.
    """

    def __init__(self, chosen: Mapping[str, str] | Sequence[str] = ()) -> None:
        pairs = chosen.items() if isinstance(chosen, Mapping) else _split(chosen)
        self._values = dict(pairs)
        for name in self._values:
            if name not in QUIRKS:
                raise UnknownQuirkError(
                    f"there is no quirk {name!r}; known are {', '.join(QUIRKS)}. "
                    "Next: kbsync serve --help"
                )
        self.throttle_limit = int(self._number("cloud-throttle", 10))
        self.toggle_lock_seconds = self._number("locking-toggles", 600.0)
        self.document_limit = int(self._number("document-limit", 10))
        self.lost_at = int(self._number("lost-tasks", 10))
        self.killed_at = int(self._number("killed-worker", 10))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> str:
        """What stands behind `name=`; empty without, and where it is not switched on."""
        return self._values.get(name, "")

    def on(self, profile: Profile) -> Profile:
        """The profile with what these quirks change of it."""
        before = profile
        if "no-merge" in self:
            profile = replace(profile, merging=Merging.NEVER)
        if "no-metadata" in self:
            profile = replace(profile, metadata=False)
        if "no-partial-update" in self:
            profile = replace(profile, partial_update=False)
        if "wedging-update" in self:
            profile = replace(profile, update_wedges=True, told="1.12.1")
        told = self._values.get("version", profile.told) or None
        if told not in (None, before.told):  # another version, which is not known to lose any
            profile = replace(profile, loses_keywords=False)
        if "lost-keywords" in self:
            profile = replace(profile, loses_keywords=self.value("lost-keywords") != "off")
        return replace(profile, told=told)

    def _number(self, name: str, default: float) -> float:
        text = self._values.get(name, "")
        if not text:
            return default
        try:
            return float(text)
        except ValueError:
            raise UnknownQuirkError(
                f"quirk {name!r} takes a number, not {text!r}. Next: kbsync serve --help"
            ) from None


def _split(chosen: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in chosen:
        name, _, value = word.partition("=")
        yield name, value


class CloudRateLimit:
    """The cloud's sliding window of 60 s over writes and searches (section 12).

    Only used from the event loop, so it needs no lock.

    Args:
        limit: calls the window holds.
    """

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._calls: deque[float] = deque()

    def count(self) -> None:
        """Count one call.

        Raises:
            EnvelopeError: 403, the window held `limit` calls already.
        """
        moment = time.monotonic()
        while self._calls and self._calls[0] <= moment - _WINDOW_SECONDS:
            self._calls.popleft()
        # The cloud counts refused calls too: a client that keeps asking stays refused.
        self._calls.append(moment)
        if len(self._calls) > self._limit:
            raise forbidden(
                "Sorry, you have reached the knowledge base request rate limit of your "
                "subscription."
            )
