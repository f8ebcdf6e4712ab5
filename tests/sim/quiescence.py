"""Everything comes to rest: no more faults, passes until nothing is to be done; then it is judged.

What is left over has to have a reason that this page knows to be true.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio

from kbsync.engine.reconciler import Planned, Reconciler
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttle import ThrottledRemote
from kbsync.ledger.clock import LedgerClock
from kbsync.messages import Problem
from kbsync.model import (
    Action,
    Capability,
    Conflict,
    Create,
    Delete,
    DocKey,
    EntryState,
    Excluded,
    Hold,
    LedgerEntry,
    Present,
    Skipped,
    Unknown,
    Update,
)
from kbsync.planning.marks import mark_of
from tests.model.cut_chunks import joined, unordered
from tests.model.folder import MOUNTED, sha
from tests.model.stored_document import EMPTY, Document

from . import daemon, declared_base, declared_values, process, rules, trials
from .line import Line
from .weather import Weather

if TYPE_CHECKING:
    from .history import History

PASSES = 12


async def calm(history: History) -> None:
    """Take the faults away."""
    history.fine = True
    await anyio.sleep(1000)
    history.server.land(float("inf"))
    history.server.away_until = float("-inf")
    history.wall_ahead = history.furthest_ahead  # a ledger's time stands while the clock is behind
    for folder in history.folders.values():
        folder.mount = MOUNTED
    trials.end(history)
    rules.heal(history, history.chance)


async def settle(history: History) -> None:
    """Take the faults away and run kbsync until it has nothing to do."""
    history.note("-- settle")
    await calm(history)
    for number in range(PASSES):
        chance = random.Random(number)
        job = daemon.rest if history.rests_in_daemon else process.apply
        await history.kbsync(chance, Weather(chance), releases=True, job=job)
        if history.rests_in_daemon and number == 0:
            _is_read(history)
        if history.watcher.faults:
            return
        await anyio.sleep(7300)
        history.meddled = False
        made = await plans(history)
        if made is None:
            if history.watcher.faults or history.base_was_deleted:
                return
            _take_back(history)
            continue
        if history.meddled:
            continue  # a file was written to while it was read: the plan is of what it was
        if all(_at_rest(history, planned) for planned in made):
            _judge(history, made)
            if history.rests_in_daemon and number == 0:
                _is_reported(history, made)
            return
    left = [str(action) for planned in made or [] for action in planned.plan.actions]
    history.watcher.fault("never done", f"after {PASSES} passes there is still to do: {left}")


def _take_back(history: History) -> None:
    """Do what the message says when another kbsync took the mirror over: forget, and begin anew."""
    history.note("forget the mirror")
    history.own.lose()
    history.forget()


def _at_rest(history: History, planned: Planned) -> bool:
    """Whether only what is held is left; that a new file cannot be read shows when it is sent."""
    if not declared_base.at_rest(planned.plan.base):
        return False
    for action in planned.plan.actions:
        match action:
            case Hold() | Conflict():
                if action.why.code in ("KB-E005", "KB-E008", "KB-E120"):  # it goes on by itself
                    return False
                if planned.context.loses_keywords and _ended_unseen(history, action.key):
                    return False
            case Create(key=key) | Update(key=key):
                if not history.folders[key.mirror].files[key.path].unreadable:
                    return False
            case Delete(document_id=document_id):
                # It was archived while it waited, which shows only when it is to be deleted.
                document = history.server.documents.get(document_id)
                if document is None or not (document.archived and document.task_lost):
                    return False
            case _:
                return False
    return True


def _ended_unseen(history: History, key: DocKey) -> bool:
    """Whether a document that no pass waited for has ended since: the next one proves others."""
    entry = history.store.entry(key)
    document = history.server.documents.get(entry.document_id) if entry else None
    if entry is None or document is None or entry.state is not EntryState.INDEXING:
        return False
    return not history.server.readiness(document).busy


async def plans(history: History) -> list[Planned] | None:
    """Plan every mirror; None when the base is gone, and rightly said so."""
    chance = random.Random(0)
    store = history.own.under(None)
    history.clock = clock = LedgerClock(store, wall=history.wall, steady=history.time)
    line = Line(history.server, history.watcher, Weather(chance), lambda: None, history.note)
    remote = ThrottledRemote(line, limiter=RateLimiter(), clock=clock, in_flight=process.IN_FLIGHT)
    made = []
    for name in history.mirrors:
        try:
            engine = Reconciler(history.mirror(name), store, remote, clock)
            made.append(await engine.plan(checksum=history.hidden))
        except Problem as problem:
            gone = problem.notice.code in ("KB-E018", "KB-E060") and history.base_was_deleted
            taken_over = problem.notice.code == "KB-E052" and history.taken_over
            if not gone and not taken_over:
                history.watcher.fault("problem", f"{name} came to rest with {problem.notice}")
            return None
    return made


# -- what has to be true -------------------------------------------------------------------------


def _judge(history: History, plans: list[Planned]) -> None:
    _nothing_remembered(history)
    history.trash.at_rest()
    held: dict[DocKey, Action] = {}
    for fault in declared_base.faults(history, plans[0].plan.base):
        history.watcher.fault("settings", fault)
    for planned in plans:
        for action in planned.plan.actions:
            held[action.key] = action
            if isinstance(action, Hold | Conflict) and not _is_true(history, action):
                history.watcher.fault("held", f"held without a reason: {action}")
    for mirror in history.mirrors:
        for path, content in history.folders[mirror].accepted().items():
            key = DocKey(mirror=mirror, path=path)
            if key not in held or declared_values.is_unusable(held[key]):
                _is_mirrored(history, key, content)
            for each in declared_values.faults(history, key, held.get(key)):
                history.watcher.fault("values", each)
    _nothing_more(history, held)


def _nothing_remembered(history: History) -> None:
    """What a base took from no one is not held against any file."""
    for mirror in history.mirrors:
        for refusal in history.store.refused(mirror):
            if refusal.reason[0] in trials.BASE_CODES:
                history.watcher.fault("remembered", f"{refusal}")


def _is_read(history: History) -> None:
    """A daemon reads every file once in a while: so it finds what no stat and no event tell."""
    for mirror, unmet in history.unmet.items():
        for path, content in history.folders[mirror].accepted().items():
            key = DocKey(mirror=mirror, path=path)
            entry = history.store.entry(key)
            document = history.server.documents.get(entry.document_id) if entry else None
            if (
                unmet is None
                or key in unmet
                or document is None
                or _holds(history, document, content)
            ):
                continue
            if entry is not None and entry.state is EntryState.SYNCED:
                history.watcher.fault("unread", f"{path} is {content!r}: {document}")


def _is_reported(history: History, plans: list[Planned]) -> None:
    """What a controller leaves as it is, it reports; a folder that cannot be listed, as a whole."""
    for planned in plans:
        unlisted = {blocked.why for blocked in planned.tally.blocked}
        for action in planned.plan.actions:
            unmet = history.unmet[action.key.mirror]
            if unmet is None or action.key in unmet or history.trash.was_not_due(action.key):
                continue
            if not isinstance(action, Hold) or action.why not in unlisted:
                history.watcher.fault("silent", f"a controller did not report {action}")


def _holds(history: History, document: Document, content: bytes) -> bool:
    """Whether a document holds this text; of one that was sent cut, in any order.

    A chunk that was edited before kbsync saw it, or before the ledger was lost, looks sent.
    """
    held = {joined(document)} if document.cut and not document.unseen else {document.content}
    if history.forgot:
        held.add(document.content)
    return unordered(content) in map(unordered, held)


def _is_mirrored(history: History, key: DocKey, content: bytes) -> None:
    fault = history.watcher.fault
    entry = history.store.entry(key)
    if entry is None:
        fault("not sent", f"{key.path} was never sent")
        return
    document = history.server.documents.get(entry.document_id)
    if document is None:
        fault("no document", f"{key.path} has no document")
        return
    readiness = history.server.readiness(document)
    if not _holds(history, document, content) or document.settings != history.settings:
        fault("content", f"{key.path} is {content!r}, and {document.id} is {document!r}")
    ready = declared_values.as_declared(history, key)
    if readiness not in ready or entry.state is not EntryState.SYNCED:
        fault(
            "not ready", f"{document.id} of {key.path} is {readiness.name}, {entry.state.name} here"
        )
    # After a lost ledger only its words tell, which a document without chunks may have.
    if document.fate == EMPTY and not history.forgot:
        fault("no chunks", f"{document.id} of {key.path} has no chunk, {entry.state.name} here")
    # What was edited before it was seen complete, or before the ledger was lost, looks sent.
    if document.by_hand or (document.edits and not document.unseen and not history.forgot):
        fault("edited", f"{document.id} of {key.path} is not what kbsync sent")
    history.server.keywords.settle(history.server.now())
    if document.lost and not history.unproved:
        fault("lost", f"no search finds {document.id} of {key.path}, {entry.state.name} here")
    if Capability.METADATA in history.server.able:
        _is_marked(history, key, document, content)


def _is_marked(history: History, key: DocKey, document: Document, content: bytes) -> None:
    mark = mark_of(history.server.row(document))
    if mark is None or (mark.mirror, mark.path) != (key.mirror, key.path):
        history.watcher.fault("mark", f"{document.id} of {key.path} bears the mark {mark}")
    elif (mark.fingerprint.content, mark.fingerprint.settings) != (sha(content), history.settings):
        history.watcher.fault("mark content", f"the mark of {document.id} names another content")


def _nothing_more(history: History, held: dict[DocKey, Action]) -> None:
    """Every document of ours is the one of its path; what is not known to be ours may stay."""
    for document in history.server.documents.values():
        if document.by_hand or history.holder(document) is not None:
            continue
        key = history.key_of(document)
        if key is None or key in held or _disowned(history, document):
            continue
        if document.name in history.mistaken and mark_of(history.server.row(document)) is None:
            continue  # a namesake made by hand in between was taken for the late upload
        if _was_reported(history, document.id):
            continue  # what was made is not what was meant, and that was reported
        if document.archived or not document.enabled:
            continue  # it was put away by hand, where no search finds it
        if isinstance(
            history.folders[key.mirror].untouched(key.path), Skipped | Excluded | Unknown
        ):
            continue  # what is there and not read never becomes a deletion
        history.watcher.fault(
            "too many", f"{document.id} ({document.name}) is one document too many"
        )


def _was_reported(history: History, document_id: str) -> bool:
    """Return whether a person was shown this document, or finds it in the journal.

    A process may end between the two.
    """
    return document_id in history.reported or any(
        line.document_id == document_id
        and line.outcome == "stopped"
        and line.action in ("create", "update")
        for _, line in history.store.history(limit=1000)
    )


def _disowned(history: History, document: Document) -> bool:
    """Return whether nothing shows that it is ours: it has no mark, and the ledger forgot it."""
    marked = mark_of(history.server.row(document)) is not None
    return history.forgot and not marked


def _is_true(history: History, action: Hold | Conflict) -> bool:
    folder = history.folders[action.key.mirror]
    state = folder.untouched(action.key.path)
    entry = history.store.entry(action.key)
    named = action.document_id or (entry.document_id if entry else "")
    document = history.server.documents.get(named)
    match action.why.code:
        case "KB-E003":
            return isinstance(state, Excluded)
        case "KB-E006":
            put_away = declared_values.wanted_switch(history, action.key) is None
            away = document is not None and (document.archived or (document.put_away and put_away))
            # A ledger that was lost may have disabled it to have its keywords written anew.
            return away or (history.forgot and document is not None and not document.enabled)
        case "KB-E007" | "KB-E152" | "KB-E170":
            empty = "no chunks" in str(action.why) and _came_out_empty(history, entry)
            return empty or _refused(history, action)
        case "KB-E011":
            reported = _was_reported(history, named)
            return reported or (document is not None and _passes_for_foreign(history, document))
        case "KB-E012" | "KB-E274":
            return document is not None and (
                named in history.tampered or _wrote_over(history, entry)
            )
        case "KB-E013":
            return history.tampered[named] >= 2
        case "KB-E272":
            return Capability.SWITCH not in history.server.able
        case "KB-E273":
            return document is not None and document.enabled
        case "KB-S261" | "KB-S263":
            return declared_values.is_broken(history, action.key)
        case "KB-E140":
            return isinstance(state, Skipped)
        case "KB-E141":
            return _refused(history, action)
        case "KB-E142":
            return isinstance(state, Unknown)
    return action.why.code.startswith("KB-S") and not isinstance(state, Present)


def _passes_for_foreign(history: History, document: Document) -> bool:
    """Return whether nothing shows it to be ours; another may have been taken for it, too."""
    mistaken = document.name in history.mistaken and mark_of(history.server.row(document)) is None
    return document.by_hand or mistaken or _disowned(history, document)


def _wrote_over(history: History, entry: LedgerEntry | None) -> bool:
    """Whether an upload that a lost ledger had sent landed on a document of the next one."""
    document = history.server.documents.get(entry.document_id) if entry else None
    return history.forgot and document is not None and document.rev != getattr(entry, "rev", None)


def _came_out_empty(history: History, entry: LedgerEntry | None) -> bool:
    """Whether what was sent came out empty, in whichever document: a failed swap leaves the old."""
    sent = entry.fingerprint.content if entry and entry.fingerprint else None
    return sent in map(sha, history.server.came_out_empty)


def _refused(history: History, action: Hold | Conflict) -> bool:
    """Whether the server refused what the file says, which may not be readable any more."""
    folder = history.folders[action.key.mirror]
    file = folder.files.get(action.key.path)
    return file is not None and folder.text_of(file.content) in history.server.answered_refused
