"""Done means found: what is indexed is searched for before it counts as synced (design section 7).

Where a server is known to lose documents that are indexed at the same time, each is searched for,
and only once nothing else is on its way to the base: a document that is found now can be lost when
a task that began before it ends after it. Elsewhere a sample is searched for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace

from kbsync.engine.context import Context
from kbsync.engine.execute.late_ends import is_late, to_prove_again, written_over
from kbsync.engine.execute.mending import Mended, mend
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.search_proof import MOST_CHUNKS, prove
from kbsync.engine.observe.unfollowed import Unfollowed
from kbsync.engine.ports import EntryChange
from kbsync.engine.workers.backoff import FIRST_RETRY, LONGEST_RETRY, doubled
from kbsync.engine.workers.side_by_side import side_by_side
from kbsync.messages import engine as say
from kbsync.model import (
    Capability,
    DocKey,
    Done,
    EntryState,
    Gone,
    LedgerEntry,
    NotSent,
    Readiness,
    Rejected,
    Unauthorized,
)

# Chunks asked for where less is at stake.
FIRST_AND_LAST, SAMPLED_CHUNKS = 2, 1
ONE_IN = 100
TRIES = 3


class FindabilityProofs:
    """Holds back what is indexed and may be lost, until searches find it.

    Args:
        context: of the mirror.
        reserve: keeps keys from being worked on; False when one is worked on now.
        release: gives a reserved key back.
    """

    def __init__(
        self,
        context: Context,
        *,
        reserve: Callable[[Collection[DocKey]], bool] = lambda keys: True,
        release: Callable[[DocKey], None] = lambda key: None,
    ) -> None:
        self._context = context
        self._reserve = reserve
        self._release = release
        self._due: dict[DocKey, EntryChange] = {}
        self._tries: Counter[DocKey] = Counter()
        self._began_at = context.clock.now()
        self._seen = 0
        self._unfollowed = Unfollowed()

    def renew(self, context: Context) -> None:
        """Go on in `context`."""
        self._context = context

    def __contains__(self, key: DocKey) -> bool:
        """Whether the document of `key` is indexed and waits to be searched for."""
        return key in self._due

    def hold_back(self, ended: Mapping[DocKey, EntryChange]) -> dict[DocKey, EntryChange]:
        """Hold back what is to be searched for first, and return the rest of what ended.

        Args:
            ended: what to write down of documents that were just seen to be indexed, or to fail.
        """
        for key in [key for key in self._due if not self._stands(key)]:
            self._drop(key)  # it is looked at again
        settled = {key: change for key, change in ended.items() if not self._is_due(change)}
        self._put_off({key: ended[key] for key in ended.keys() - settled.keys()})
        return settled

    async def proved(self) -> dict[DocKey, EntryChange]:
        """Return what of that is to be written down now, and how.

        What was written over by what ended late is to be indexing again.

        Raises:
            Problem: the server cannot be reached.
        """
        if not self._due:
            return {}
        if not self._context.loses_keywords:
            return await self._searched()
        if not await self._quiet():
            return {}
        with self._context.room.alone():
            return await self._searched()

    async def _quiet(self) -> bool:
        """Whether nothing is on its way to the base, of this process or of an earlier one."""
        room, context = self._context.room, self._context
        # It may have begun to send while the server was asked.
        return room.quiet and not await self._unfollowed.any_begun(context) and room.quiet

    def _is_due(self, change: EntryChange) -> bool:
        """Whether what `change` calls synced has to be searched for."""
        entry, able = change.entry, self._context.remote.capabilities
        if not isinstance(entry, LedgerEntry) or entry.state is not EntryState.SYNCED:
            return False
        if not able.may_search:
            return False
        self._seen += 1
        return self._context.loses_keywords or self._seen % ONE_IN == 1

    def _put_off(self, due: Mapping[DocKey, EntryChange]) -> None:
        self._due.update(due)
        self._context.room.resting |= due.keys()

    def _drop(self, key: DocKey) -> EntryChange:
        del self._tries[key]
        self._context.room.resting.discard(key)
        return self._due.pop(key)

    # -- searching -----------------------------------------------------------------------------

    async def _searched(self) -> dict[DocKey, EntryChange]:
        """Search for all that is due, then mend one after the other what was not found."""
        settled, waiting = await self._written_over()
        lost: list[DocKey] = []

        async def search(key: DocKey) -> None:
            found = await self._finds(key)
            if found:
                settled[key] = self._drop(key)
            elif found is False:
                lost.append(key)

        at_once = self._context.mirror.server.max_in_flight
        due = [key for key in self._due if key not in waiting and self._stands(key)]
        await side_by_side(due, search, at_once=at_once)
        if lost:
            with self._context.room.alone():
                settled |= await self._mended_all(lost)
        return settled

    async def _mended_all(self, lost: Collection[DocKey]) -> dict[DocKey, EntryChange]:
        changes: dict[DocKey, EntryChange] = {}
        for key in sorted(lost):
            change = await self._mended(key)
            if change is not None:
                changes[key] = change
                self._drop(key)
        return changes

    async def _written_over(self) -> tuple[dict[DocKey, EntryChange], AbstractSet[DocKey]]:
        """Return what is to be proved again, and what ended late and waits until that is known."""
        late = {key: entry for key in self._due if (entry := self._late(key)) is not None}
        if not late:
            return {}, set()
        found = await written_over(self._context, late.values(), self._due.keys(), most=self._most)
        again = [to_prove_again(self._context, entry) for entry in found.lost]
        changes = {change.key: change for change in again if change is not None}
        mine = {key for key in changes if key.mirror == self._context.mirror.name}
        # The next pass of another mirror finds them.
        self._context.ledger.commit_all([changes[key] for key in changes.keys() - mine])
        waits = () if found.conclusive else [key for key in late if not self._tried_out(key)]
        return {key: changes[key] for key in mine}, set(waits)

    def _late(self, key: DocKey) -> LedgerEntry | None:
        """Return the entry of what ended late, where that makes others be lost."""
        entry, now = self._due[key].entry, self._context.clock.now()
        if not self._context.loses_keywords or not isinstance(entry, LedgerEntry):
            return None
        return entry if is_late(entry, began_at=self._began_at, now=now) else None

    def _stands(self, key: DocKey) -> bool:
        """Whether the upload of `key` is still the one that was seen to be indexed."""
        now, seen = self._context.ledger.entry(key), self._due[key].entry
        assert isinstance(seen, LedgerEntry)  # noqa: S101 - only such are put off
        return now is not None and (now.document_id, now.batch) == (seen.document_id, seen.batch)

    @property
    def _most(self) -> int:
        if not self._context.loses_keywords:
            return SAMPLED_CHUNKS
        return MOST_CHUNKS if self._context.most_indexing > 1 else FIRST_AND_LAST

    async def _finds(self, key: DocKey) -> bool | None:
        """Return whether searches find it; True also where they cannot tell, None for not now.

        Raises:
            Problem: the server cannot be reached.
        """
        entry = self._due[key].entry
        assert isinstance(entry, LedgerEntry)  # noqa: S101 - only such are put off
        outcome = await prove(self._context, entry, most=self._most)
        if isinstance(outcome, Done):
            return outcome.value.found is not False
        if isinstance(outcome, NotSent):
            refuse(self._context.mirror, "searching for a document", outcome)
        if isinstance(outcome, Gone):
            self._drop(key)
            return None
        # A search that is refused, or fails again and again, says nothing about a document.
        refused = isinstance(outcome, Rejected | Unauthorized)
        return True if refused or self._tried_out(key) else None

    def _tried_out(self, key: DocKey) -> bool:
        self._tries[key] += 1
        return self._tries[key] >= TRIES

    # -- what was not found --------------------------------------------------------------------

    async def _mended(self, key: DocKey) -> EntryChange | None:
        """Return what to write down of a lost document, None while it is not known."""
        entry = self._context.ledger.entry(key)
        if entry is None or not self._stands(key) or not self._reserve((key,)):
            return None
        try:
            if await self._is_put_away(entry):  # no search is to find it
                return self._due[key]
            mended = await mend(self._context, entry, most=self._most)
        finally:
            self._release(key)
        if mended is Mended.FOUND:
            self._note_loss()
            return self._found_again(self._due[key])
        if mended is Mended.PENDING:  # recovery enables it
            return EntryChange(key=key)
        if mended is Mended.LATER and not self._tried_out(key):
            return None
        return self._failed(key, entry)

    async def _is_put_away(self, entry: LedgerEntry) -> bool:
        """Whether an operator disabled or archived it since it was uploaded."""
        base_id = self._context.base_id or ""
        outcome = await self._context.remote.document(base_id, entry.document_id)
        return isinstance(outcome, Done) and (
            outcome.value.archived
            or outcome.value.readiness in (Readiness.DISABLED, Readiness.ARCHIVED)
        )

    def _note_loss(self) -> None:
        """Note that the server loses documents, whatever its version says."""
        if self._context.economy and not self._context.loses_keywords:
            self._context.remote.note(Capability.KEEPS_KEYWORDS, able=False)

    def _found_again(self, change: EntryChange) -> EntryChange:
        """Return `change`, dated now: its keywords were written anew."""
        assert isinstance(change.entry, LedgerEntry)  # noqa: S101 - only such are put off
        return replace(change, entry=replace(change.entry, progress_at=self._context.clock.now()))

    def _failed(self, key: DocKey, entry: LedgerEntry) -> EntryChange:
        """Return that it failed: it is sent again once at once, and then slowly."""
        change, now = self._due[key], self._context.clock.now()
        assert isinstance(change.entry, LedgerEntry)  # noqa: S101 - only such are put off
        why = say.FAILED_UNFINDABLE(path=key.path, mirror=key.mirror)
        failures = entry.failures + 1
        rest = doubled(FIRST_RETRY, failures - 2, longest=LONGEST_RETRY) if failures > 1 else 0.0
        failed = replace(
            change.entry,
            state=EntryState.FAILED,
            reason=(why.code, why.text),
            failures=failures,
            retry_at=now + rest,
        )
        journal = tuple(
            replace(line, outcome=failed.state.value, detail=why.text) for line in change.journal
        )
        return replace(change, entry=failed, journal=journal)
