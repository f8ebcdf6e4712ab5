"""What must never happen, judged at the server at the moment it would.

The watcher knows more than kbsync: who made each document, and what the folder last answered.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kbsync.model import Absent, DocKey, EntryState, Excluded, FileState, Readiness
from kbsync.planning.standstill import STUCK_AFTER
from tests.model.cut_chunks import joined, unordered
from tests.model.folder import EMPTY

from .trash_judge import TrashJudge

if TYPE_CHECKING:
    from tests.model.stored_document import Document

    from .history import History

EVIDENCE_HOLDS = 120.0
A_MOMENT = 2.0  # seconds between a look at a new document and the end of the old one
AN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What a delete is judged by: how things stood when it was sent, however late it lands.

    `gone`: the file was seen to be gone, or to be excluded while those are pruned. `unmounted`:
    it is there and cannot be seen. `agreed`: it was released.
    """

    answer: FileState | None
    gone: bool
    unmounted: bool
    agreed: bool


class Watcher:
    """Keeps the faults it met; a history with one is a bug."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.faults: list[str] = []
        self._sent: dict[str, Judged] = {}
        # When the look was before the delete of a document that had another one beside it.
        self._replaced: dict[str, float] = {}
        self._unfindable: set[str] = set()
        self._removals: dict[str, list[float]] = defaultdict(list)
        self._deleted_there: dict[DocKey, float] = {}
        self.trash = TrashJudge(history)

    def fault(self, kind: str, what: str) -> None:
        """Note a promise that was not kept: its kind in a word or two, and what happened."""
        self.faults.append(f"[{kind}] {what}")
        self._history.note(f"!! [{kind}] {what}")

    # -- what the server reports -----------------------------------------------------------------

    def uploads_over(self, document: Document, content: bytes, settings: str) -> None:
        self.changes(document, "written over")
        server = self._history.server
        if server.readiness(document).busy and not self._may_overlap(document):
            self.fault("overlap", f"two uploads in flight for {document.id}")
        # A file that is edited forth and back while it is sent was different when it was read.
        if not (self._history.meddled or server.landing) and self._known_to_be_same(
            document, content, settings
        ):
            self.fault("no reason", f"an upload of {document.id} without a reason")

    def _may_overlap(self, document: Document) -> bool:
        """Stuck documents are sent again, and a ledger that forgot cannot wait.

        Nor can one that took another document for what still lands. How long a document stands is
        told by a clock that may jump, and what hung for long may go on just then.
        """
        jumped = document.indexed_since <= self._history.jumped_at
        mistaken = document.claimable and self._history.server.landing
        gone = document.fate == "never" or document.task_lost
        hung = (document.hung_until or 0.0) - document.indexed_since > STUCK_AFTER
        return gone or hung or self._history.forgot_lately or mistaken or jumped

    def _known_to_be_same(self, document: Document, content: bytes, settings: str) -> bool:
        held = joined(document) if document.cut else document.content
        if unordered(held) != unordered(content) or document.settings != settings:
            return False
        if self._history.server.readiness(document) is not Readiness.AVAILABLE:
            return False
        # One that was done a moment ago was seen busy when this was sent.
        if self._history.server.now() - document.ready_at < A_MOMENT:
            return False
        key = self._history.holder(document)
        entry = None if key is None else self._history.store.entry(key)
        if entry is None or entry.fingerprint is None or entry.state is not EntryState.SYNCED:
            return False
        words = self._history.server.words(document)
        return (entry.rev, entry.word_count) == (
            document.rev,
            words,
        ) and entry.fingerprint.settings == settings

    def wedges(self, document: Document) -> None:
        self.fault("wedged", f"an update of {document.id} stops the server's worker")

    def changes(self, document: Document, how: str) -> None:
        if not document.by_hand:
            return
        young = self._history.server.now() - document.made_at < EVIDENCE_HOLDS
        if young or document.claimable:
            document.by_hand = False  # from now on it passes for ours
            self._history.mistaken.add(document.name)
            return
        self.fault("foreign", f"{document.id} ({document.name}), made by hand, was {how}")

    def marks(self, document: Document, values: Mapping[str, str]) -> None:
        self.changes(document, "marked")

    def sends_delete(self, document: Document | None) -> None:
        """A delete goes out."""
        if document is not None and (key := self._key(document)) is not None:
            self._sent[document.id] = self._judged(key)
            # Another one that was deleted by hand a moment ago stood when it was looked at.
            since = self._history.time() - A_MOMENT
            another = self._deleted_there.get(key, float("-inf"))
            if self._has_another(document, key) or another > since:
                self._replaced[document.id] = since
            self.trash.deletes(document, key)
            server = self._history.server
            # One that was done a moment ago was seen busy: no look and call are one step.
            if server.readiness(document).busy or server.now() - document.ready_at < A_MOMENT:
                self._unfindable.add(document.id)

    def sends_switch(self, document: Document | None, action: str) -> None:
        """A switch goes out."""
        if document is None or self._history.rivalry:
            return
        if action == "enable":
            self.trash.counted.discard(document.id)
            return
        key = self._history.holder(document)
        if key is None or not self.trash.is_for_trash(document, key):
            return
        if self.trash.disables(document, key, self._judged(key)):
            self._removed(key)

    def _judged(self, key: DocKey) -> Judged:
        folder = self._history.folders[key.mirror]
        answer, prunes = folder.answers.get(key.path), self._history.prunes_excluded
        hidden = folder.hides_on_known(key.path)
        if self._history.rivalry and folder.mount != EMPTY:
            hidden = False  # one of them may never have seen what was mounted
        unwanted = key.path in folder.excluded and prunes
        return Judged(
            answer=answer,
            gone=isinstance(answer, Absent) or (prunes and isinstance(answer, Excluded)),
            unmounted=hidden and not unwanted and key.path not in folder.seen_gone,
            agreed=self._agreed(key),
        )

    def _key(self, document: Document) -> DocKey | None:
        return self._gone_one(document) or self._history.key_of(document)

    def deleted_there(self, document: Document) -> None:
        """A document is about to be deleted by hand."""
        key = self._history.key_of(document)
        if document.claimable and self._history.holder(document) is not None:
            self._history.mistaken.add(document.name)  # it was taken for another that landed late
        if key is not None and not document.by_hand:
            self._deleted_there[key] = self._history.time()

    def deletes(self, document: Document) -> None:
        if document.by_hand and not document.claimable:
            self.fault(
                "foreign deleted", f"{document.id} ({document.name}), made by hand, was deleted"
            )
            return
        if document.by_hand:
            self._history.mistaken.add(document.name)
        key = self._key(document)
        if key is None:
            self.fault("not ours", f"{document.id} ({document.name}) was deleted, and is not ours")
            return
        judged = self._sent.pop(document.id, None) or self._judged(key)
        if judged.unmounted and not judged.agreed and not self._may_go(document, key):
            self.fault("unmounted", f"{document.id} was deleted while {key.path} was unmounted")
        elif judged.gone:
            # Amid a swap a file has two documents; what was released was not unasked.
            if not (judged.agreed or self._has_another(document, key)):
                self._removed(key)
        elif not self._may_go(document, key):
            kind = type(judged.answer).__name__
            self.fault("deleted", f"{document.id} was deleted while {key.path} was {kind}")

    def _gone_one(self, document: Document) -> DocKey | None:
        """Of two ledgers that fight over it the one counts that has it for a file that is gone.

        One that has it not goes by the mark.
        """
        marked = marked_key(document, document.metadata) if self._history.rivalry else None
        for key in (*self._history.holders(document), *([marked] if marked else [])):
            if isinstance(self._history.folders[key.mirror].answers.get(key.path), Absent):
                return key
        return None

    def _may_go(self, document: Document, key: DocKey) -> bool:
        """Its file is there: it goes only for another of that file, or as no search finds it."""
        another = self._deleted_there.get(key, float("-inf"))  # stood when it was looked at
        sent = self._replaced.get(document.id, float("inf"))
        unlucky = self._history.time() - another < A_MOMENT or another >= sent
        found = document.fate == "fine" and document.id not in self._unfindable
        return not found or unlucky or self._has_another(document, key)

    def _has_another(self, document: Document, key: DocKey) -> bool:
        """Whether the file has another one, be it one made by hand that passes for ours."""
        others = (each for each in self._history.server.documents.values() if each is not document)
        return any(
            self._history.key_of(each) == key and (not each.by_hand or each.claimable)
            for each in others
        )

    def _removed(self, key: DocKey) -> None:
        now = self._history.ledger_time()
        since = now - AN_HOUR
        if key.mirror in self._history.agreed_once:  # a pass that came to nothing was agreed to
            since = max(since, self._history.store.agreed_at(key.mirror))
        recent = [at for at in self._removals[key.mirror] if at > since]
        recent.append(now)
        self._removals[key.mirror] = recent
        limit = self._history.removal_limit
        if len(recent) > limit:
            self.fault("guard", f"{len(recent)} removals in an hour, {limit} pass unasked")

    def _agreed(self, key: DocKey) -> bool:
        return self._history.released(key.mirror)

    def agreed(self) -> None:
        """Removals were released, or the ledger forgot them: the hour begins anew."""
        self._removals.clear()


def marked_key(document: Document, row_metadata: Mapping[str, str]) -> DocKey | None:
    """Return whose document its valid mark says it is."""
    values = dict(row_metadata)
    if values.get("kbsync_rev") != document.rev:
        return None
    mirror, path = values.get("kbsync_mirror"), values.get("kbsync_path")
    return DocKey(mirror=mirror, path=path) if mirror and path else None
