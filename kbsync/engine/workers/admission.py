"""Whether the base takes new documents; where it takes none, one upload tries it for all.

A refusal that has nothing to do with the file (a full subscription, a model that is gone,
maintenance) holds all uploads it concerns. Of the files nothing is remembered.
"""

from __future__ import annotations

from kbsync.engine.context import Context
from kbsync.messages import Notice, moment
from kbsync.messages import engine as say
from kbsync.messages import remote as remote_say
from kbsync.model import Action, Create, DocKey, EntryState, HeldCreates, LedgerEntry, Update
from kbsync.model.refusals import no_room

AN_HOUR, A_MINUTE = 3600.0, 60.0


def held_notice(mirror: str, held: HeldCreates) -> Notice:
    """Return what is said, once for all files, of a base that takes nothing for them."""
    message = say.HELD_CREATES if _only_creates(held) else say.HELD_UPLOADS
    return message(
        mirror=mirror,
        since=moment(held.since),
        reason=held.reason[1],
        probe=moment(held.probe_at),
    )


def _only_creates(held: HeldCreates) -> bool:
    """Whether there is no room for another document, but those that are there can be updated."""
    return held.reason[0] == remote_say.QUOTA.code


class Admission:
    """Holds uploads back while the base takes none, and lets one of them try.

    Args:
        context: of the mirror.
        tries_at_once: one may try before its time: the pass was asked for by a person.
    """

    def __init__(self, context: Context, *, tries_at_once: bool) -> None:
        self._context = context
        self._held = context.ledger.held_creates(context.mirror.name)
        self._updates = self._held is not None and not _only_creates(self._held)
        self._due = tries_at_once
        self._probe: DocKey | None = None
        self._waiting: dict[DocKey, None] = {}

    def renew(self, context: Context) -> None:
        """Go on in `context`."""
        self._context = context

    def __len__(self) -> int:
        """How many keys wait."""
        return len(self._waiting)

    @property
    def notice(self) -> Notice | None:
        """What is said of the base while it takes nothing; None while it does."""
        return held_notice(self._context.mirror.name, self._held) if self._held else None

    # -- one key -------------------------------------------------------------------------------

    def passes(self, key: DocKey, action: Create | Update) -> bool:
        """Return whether `action` may be sent; otherwise its key waits here."""
        if self._held is None or not self._concerns(action) or key == self._probe:
            self._waiting.pop(key, None)
            return True
        if self._probe is None and self._may_try(self._held):
            self._probe, self._due = key, False
            self._waiting.pop(key, None)
            return True
        self._waiting[key] = None
        return False

    def keeps(self, key: DocKey) -> bool:
        """Whether `key` waits, so that nothing is asked of the server for it either."""
        if self._held is None or key == self._probe or key not in self._waiting:
            return False
        if self._probe is None and self._may_try(self._held):
            return False
        # A document of it may have to be deleted, and a call may be unaccounted for.
        ledger = self._context.ledger
        return ledger.entry(key) is None and ledger.intent(key) is None

    def _concerns(self, action: Create | Update) -> bool:
        context = self._context
        swaps = context.mirror.rule_of(action.key.path).update_strategy == "swap"
        beside = swaps or context.pipeline  # an update makes a second document first
        return isinstance(action, Create) or beside or self._updates

    def _may_try(self, held: HeldCreates) -> bool:
        return self._due or self._context.clock.now() >= held.probe_at

    def indexed(self, entry: LedgerEntry | None) -> None:
        """Note an end of indexing: some servers find only then that there is no room."""
        if entry is not None and entry.state is EntryState.FAILED and entry.reason is not None:
            words = entry.reason[1]
            if no_room(words):
                why = remote_say.QUOTA(what="indexing", words=words)
                self.closed(None, why, updates=False)

    # -- what became of it ---------------------------------------------------------------------

    def closed(self, key: DocKey | None, why: Notice, *, updates: bool) -> bool:
        """Note a refusal that any file gets; return whether the base took documents until now.

        Args:
            key: what was refused; None when indexing failed for it.
            why: the server's refusal.
            updates: updates are refused too.
        """
        now, before = self._context.clock.now(), self._held
        since = before.since if before else now
        # A person makes room, so that is asked for once an hour; maintenance ends by itself.
        rest = min(AN_HOUR, max(A_MINUTE, now - since)) if updates else AN_HOUR
        reason = (why.code, why.text)
        self._held = HeldCreates(reason=reason, since=since, probe_at=now + rest)
        self._context.ledger.hold_creates(self._context.mirror.name, self._held)
        self._due, self._probe, self._updates = False, None, self._updates or updates
        if key is not None:
            self._waiting[key] = None
        return before is None

    def uploaded(self, key: DocKey, action: Action) -> list[DocKey]:
        """Note that an upload was taken; return the keys that waited for that."""
        tried = self._held is not None and isinstance(action, Create | Update)
        if not tried or not self._concerns(action):  # type: ignore[arg-type]
            return []
        self._held, self._probe, self._updates = None, None, False
        self._context.ledger.hold_creates(self._context.mirror.name, None)
        return self._released()

    def dropped(self, key: DocKey) -> list[DocKey]:
        """Note that `key` was not sent; return another one that may try, if it was to try."""
        self._waiting.pop(key, None)
        if key != self._probe:
            return []
        self._probe, self._due = None, True
        return list(self._waiting)[:1]

    def freed(self) -> list[DocKey]:
        """Note that there is room after a deletion; return a key that may try it."""
        if self._held is None or self._probe is not None:
            return []
        self._due = True
        return list(self._waiting)[:1]

    def _released(self) -> list[DocKey]:
        waiting = list(self._waiting)
        self._waiting.clear()
        return waiting
