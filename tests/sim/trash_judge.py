"""What must never happen to a document that is put into the trash, rests there, or is replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kbsync.messages import trash as say
from kbsync.model import Capability, DocKey, EntryState, LedgerEntry

if TYPE_CHECKING:
    from tests.model.stored_document import Document

    from .history import History
    from .watcher import Judged

TITLE = "title"
SEEN_BY_NOW = 120.0  # what was written before was there when kbsync looked
SLACK = 1.0
COMPARES_EVERY = 3600.0  # seconds: a daemon deletes what is due when it lists the base


class TrashJudge:
    """Judges calls as they are sent.

    Attributes:
        counted: ids of documents in the trash whose removal the guard was to count.
        taken_out: ids of documents that were enabled by hand in the trash.
        edited: ids of documents that were edited by hand in the trash.
        titled: when a document got a title by hand.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self.counted: set[str] = set()
        self.taken_out: set[str] = set()
        self.edited: set[str] = set()
        self.titled: dict[str, float] = {}

    def disables(self, document: Document, key: DocKey, judged: Judged) -> bool:
        """Judge a disabling for the trash; whether the guard was to count it now."""
        fault = self._history.watcher.fault
        if judged.unmounted and not judged.agreed:
            fault("unmounted", f"{document.id} was disabled while {key.path} was unmounted")
        elif not judged.gone:
            kind = type(judged.answer).__name__
            fault("trashed", f"{document.id} was disabled while {key.path} was {kind}")
        elif document.id not in self.counted:
            self.counted.add(document.id)
            return not judged.agreed
        return False

    def is_for_trash(self, document: Document, key: DocKey) -> bool:
        """Whether it is switched for the trash; other documents are switched to be found again."""
        entry = self._history.store.entry(key)
        return entry is not None and self._rests(document, entry)

    def _rests(self, document: Document, entry: LedgerEntry) -> bool:
        return entry.state is EntryState.TRASHED and entry.document_id == document.id

    def deletes(self, document: Document, key: DocKey) -> None:
        """Judge a deletion out of the trash, or of a document that was replaced."""
        history, entry = self._history, self._history.store.entry(key)
        if entry is None or history.rivalry:
            return
        if entry.superseded == document.id:
            self._replaced(document, entry)
        if not self._rests(document, entry):
            return
        over = entry.expires_at is not None and entry.expires_at <= history.ledger_time() + SLACK
        if not (over or history.emptying):
            history.watcher.fault("too early", f"{document.id} goes out of the trash: {entry}")
        off = entry.reason is not None and entry.reason[0] == say.DISABLED.code
        if off and document.id in self.taken_out and document.enabled:
            history.watcher.fault("taken out", f"{document.id} was enabled, and is deleted")
        words = history.server.words(document)
        counted = entry.word_count in (None, words) or document.id not in self.edited
        if document.rev != entry.rev or not counted:
            history.watcher.fault("edited", f"{document.id} was edited there, and is deleted")

    def was_not_due(self, key: DocKey) -> bool:
        """Whether a document in the trash came due after the daemon that left last compared."""
        history, entry = self._history, self._history.store.entry(key)
        if entry is None or entry.state is not EntryState.TRASHED:
            return False
        ends = [entry.expires_at or 0.0, (entry.trashed_at or 0.0) + (history.trash_for or 0.0)]
        return max(ends) > history.rested_at - COMPARES_EVERY

    def at_rest(self) -> None:
        """Judge what is in the trash at the end: what is not to be found is disabled."""
        history = self._history
        for name in history.mirrors:
            for entry in history.store.entries(name, states=[EntryState.TRASHED]):
                document = history.server.documents.get(entry.document_id)
                off = entry.reason is not None and entry.reason[0] == say.DISABLED.code
                if not off or document is None or not document.enabled or history.forgot:
                    continue
                if document.id not in self.taken_out:
                    history.watcher.fault("found", f"{document.id} is in the trash, and enabled")

    def _replaced(self, old: Document, entry: LedgerEntry) -> None:
        history = self._history
        new = history.server.documents.get(entry.document_id)
        since = history.time() - self.titled.get(old.id, history.time())
        if new is None or since < SEEN_BY_NOW or Capability.METADATA not in history.server.able:
            return
        if TITLE in old.metadata and TITLE not in new.metadata and TITLE in history.server.fields:
            history.watcher.fault("values", f"{new.id} has no title, and {old.id} goes")
