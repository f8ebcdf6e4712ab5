"""A real ledger that shows itself to the stories as the one in memory does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from typing import Any, TypeVar

from engine.words import BASE, MIRROR

from kbsync.engine.ports import EntryChange
from kbsync.ledger import LedgerStore
from kbsync.model import Binding, DocKey, Intent, JournalLine, LedgerEntry, Rejection

Kept = TypeVar("Kept", LedgerEntry, Intent, Rejection)


class Part(MutableMapping[DocKey, Kept]):
    """What is kept of one kind, by key; `part` is its name in a `EntryChange`."""

    def __init__(
        self,
        store: LedgerStore,
        part: str,
        one: Callable[[DocKey], Kept | None],
        every: Callable[[str], Iterator[Kept]],
    ) -> None:
        self._store = store
        self._part = part
        self._one = one
        self._every = every

    def __getitem__(self, key: DocKey) -> Kept:
        found = self._one(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: DocKey, kept: Kept) -> None:
        self._store.commit(EntryChange(key=key, **{self._part: kept}))  # type: ignore[arg-type]

    def __delitem__(self, key: DocKey) -> None:
        self._store.commit(EntryChange(key=key, **{self._part: None}))  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[DocKey]:
        return iter([each.key for each in self._every(MIRROR)])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return repr(dict(self))


class Lines(list[JournalLine]):
    """The journal, the oldest line first."""

    def __init__(self, store: LedgerStore) -> None:
        self._store = store
        super().__init__(line for _, line in reversed(store.history(limit=100_000)))

    def clear(self) -> None:
        self._store.prune_journal(float("inf"))


class DatabaseLedger:
    """A `LedgerStore` whose parts can be looked at and set as a story does it."""

    def __init__(self, address: str) -> None:
        store = self.store = LedgerStore.open(address)
        self.commits: list[EntryChange] = []
        self.held = Part(store, "entry", store.entry, store.entries)
        self.intents = Part(store, "intent", store.intent, store.intents)
        self.rejections = Part(store, "rejection", store.rejection, store.refused)
        store.bind(
            Binding(
                mirror=MIRROR, server="http://fake/v1", base_id=BASE, base_name=BASE, source="/fake"
            )
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @property
    def journal(self) -> Lines:
        return Lines(self.store)

    def commit(self, change: EntryChange) -> None:
        self.commit_all((change,))

    def commit_all(self, changes: Sequence[EntryChange]) -> None:
        self.commits += changes
        self.store.commit_all(changes)
