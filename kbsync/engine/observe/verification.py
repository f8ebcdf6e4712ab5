"""What is stored for a document, compared with what would be sent for its file. Changes nothing.

A daemon may work meanwhile: what differs is looked at again where the ledger says that the document
was changed since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from enum import StrEnum
from functools import partial

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.engine.observe.cut_documents import as_sent, chunks_of
from kbsync.engine.observe.knowledge_base import refuse
from kbsync.engine.observe.known_bytes import known_of
from kbsync.engine.observe.remote_state import document_of
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Message, Notice
from kbsync.messages import remote as remote_say
from kbsync.messages import verification as say
from kbsync.model import (
    DocKey,
    Done,
    EntryState,
    Failure,
    FileState,
    Gone,
    LedgerEntry,
    NotReady,
    Original,
    Present,
    Rejected,
    Unknown,
)
from kbsync.planning.case import GONE

TRIES = 3
BLOCK = 1 << 20
# A character of one byte is one of three in UTF-8, at most.
GROWTH = 3


class Verdict(StrEnum):
    """How a document stands to its file."""

    SAME = "same"
    EDITED = "edited"  # the folder is ahead: the next plan knows
    CHANGED = "changed"  # other bytes are stored than were sent
    TRUNCATED = "truncated"  # the first of the bytes are stored that were sent
    LOST = "lost"  # the document is there, its bytes are not
    MISSING = "missing"  # the document is not there
    UNREAD = "unread"  # it could not be compared
    FOREIGN = "foreign"  # no mirror made it
    UNRECORDED = "unrecorded"  # it carries our mark, and the ledger does not know it
    FOUND = "found"  # searches find it
    UNFINDABLE = "unfindable"  # the document is there, and searches do not find it
    UNCLEAR = "unclear"  # no search can tell: there is no word to ask by, or too many share it

    @property
    def sound(self) -> bool:
        """Whether there is nothing to say of such a document."""
        return self in (Verdict.SAME, Verdict.FOUND, Verdict.UNCLEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one document.

    Args:
        key: whose document it is; None where no key has it.
        why: None where everything is the same.
        stored: bytes at the server, as far as they are known.
        expected: bytes that were sent, as far as that is known.
        sent_again: `kbsync retry PATH` repairs it.
    """

    key: DocKey | None
    document_id: str
    document_name: str
    verdict: Verdict
    why: Notice | None = None
    stored: int | None = None
    expected: int | None = None
    sent_again: bool = False


async def verify(context: Context, key: DocKey) -> Finding | None:
    """Return how the document of `key` stands to its file; None when it is not synced any more.

    Args:
        context: of the mirror, with its base.
        key: of a synced document.

    Raises:
        Problem: the server gives no bytes out, cannot be asked, or the base is gone.
    """
    return await while_settled(context, key, _compared)


async def while_settled(
    context: Context, key: DocKey, look: Callable[[Context, LedgerEntry], Awaitable[Finding]]
) -> Finding | None:
    """Return what `look` finds of a synced document that was not changed meanwhile.

    Args:
        context: of the mirror, with its base.
        key: of the document.
        look: asked again, a few times, while the document is being changed.

    Returns:
        None when it is not synced any more.
    """
    entry = _synced_entry(context, key)
    for _ in range(TRIES):
        if entry is None:
            return None
        found = entry
        finding = await look(context, entry)
        now = _synced_entry(context, key)
        settled = now == entry and context.ledger.intent(key) is None
        if finding.verdict in (Verdict.SAME, Verdict.FOUND) or settled:
            return finding
        entry = now
    return finding_of(found, Verdict.UNREAD, say.UNSETTLED(mirror=key.mirror))


def _synced_entry(context: Context, key: DocKey) -> LedgerEntry | None:
    """Return the entry of `key` if it is synced."""
    entry = context.ledger.entry(key)
    return entry if entry is not None and entry.state is EntryState.SYNCED else None


async def _compared(context: Context, entry: LedgerEntry) -> Finding:
    read = context.mirror.source.read
    known = known_of(entry, context.mirror.rule_of(entry.key.path).settings)
    local = await anyio.to_thread.run_sync(
        partial(read, entry.key.path, entry.encoding, known=known)
    )
    if entry.chunks is not None:
        return await _chunks_compared(context, entry, local)
    stored = await context.remote.original(
        context.base_id or "", entry.document_id, largest=_largest(context, entry)
    )
    match stored:
        case Done(value=original):
            if isinstance(local, Present) and original.content == local.content:
                return finding_of(entry, Verdict.SAME, stored=original.size)
            return await anyio.to_thread.run_sync(_difference, context, entry, local, original)
        case Gone():
            return await _without_bytes(context, entry)
    return _unread(context, entry, stored)


async def _chunks_compared(context: Context, entry: LedgerEntry, local: FileState) -> Finding:
    """Return how chunks that were written one by one stand to the file: no upload holds them."""
    there = await chunks_of(context, entry.document_id)
    if there is None:
        return await _without_chunks(context, entry)
    if not as_sent(entry, there):
        words = {"mirror": entry.key.mirror, "file": entry.key.path}
        why = say.CHUNKS_CHANGED(**words)
        return finding_of(entry, Verdict.CHANGED, why, sent_again=True)
    sent = entry.fingerprint.content if entry.fingerprint else None
    if isinstance(local, Present) and local.content == sent:
        return finding_of(entry, Verdict.SAME)
    return _file_differs(entry, local)


async def _without_chunks(context: Context, entry: LedgerEntry) -> Finding:
    words = {"document": entry.document_id, "mirror": entry.key.mirror}
    if await document_of(context, entry.document_id, "asking for a document") is GONE:
        return finding_of(entry, Verdict.MISSING, say.MISSING(**words))
    return finding_of(entry, Verdict.UNREAD, say.UNSETTLED(mirror=entry.key.mirror))


def _largest(context: Context, entry: LedgerEntry) -> int:
    """Return how many bytes can have been sent: the limit may have been another one then."""
    size = entry.stat.size if entry.stat else 0
    return max(context.mirror.config.max_file_size, GROWTH * size)


def _difference(
    context: Context, entry: LedgerEntry, local: FileState, original: Original
) -> Finding:
    sent = entry.fingerprint.content if entry.fingerprint else None
    mirror = entry.key.mirror
    if sent is not None and original.content == sent:
        return _file_differs(entry, local)
    # Taken over by its name alone: the next plan sends it in any case.
    if sent is None and isinstance(local, Present):
        return finding_of(entry, Verdict.EDITED, say.UNKNOWN_CONTENT(mirror=mirror))
    if not isinstance(local, Present):
        return _bytes_differ(entry, Verdict.CHANGED, original, say.CHANGED_OF_NO_FILE)
    size, begins = _beginning(context, entry, original)
    cut = begins and original.size < size
    verdict, message = (Verdict.TRUNCATED, say.TRUNCATED) if cut else (Verdict.CHANGED, say.CHANGED)
    # Of a file that changed since, only the size at that time is known.
    expected = size if local.content == sent else None
    return _bytes_differ(entry, verdict, original, message, expected)


def _file_differs(entry: LedgerEntry, local: FileState) -> Finding:
    """Return what stands in the folder, where the document is what was sent."""
    if isinstance(local, Unknown):
        return finding_of(entry, Verdict.UNREAD, local.why)
    message = say.EDITED if isinstance(local, Present) else say.FILE_LEFT
    return finding_of(entry, Verdict.EDITED, message(mirror=entry.key.mirror))


def _bytes_differ(
    entry: LedgerEntry,
    verdict: Verdict,
    original: Original,
    message: Message,
    expected: int | None = None,
) -> Finding:
    # What is too long is not read, and then only announced.
    stored = original.size if original.content else original.declared or original.size
    if expected is None:
        expected = entry.stat.size if entry.stat else None
    why = message(
        stored=stored,
        expected="?" if expected is None else expected,
        mirror=entry.key.mirror,
        file=entry.key.path,
    )
    again = message is not say.CHANGED_OF_NO_FILE
    return finding_of(entry, verdict, why, stored=stored, expected=expected, sent_again=again)


def _beginning(context: Context, entry: LedgerEntry, original: Original) -> tuple[int, bool]:
    """Return how much would be sent, and whether it begins with what is stored."""
    digest, left = hashlib.sha256(), original.size
    with context.mirror.source.open(entry.key.path, entry.encoding) as payload:
        if isinstance(payload, Unknown):
            return 0, False
        while left > 0 and (block := payload.read(min(left, BLOCK))):
            digest.update(block)
            left -= len(block)
        return payload.size, left == 0 and digest.hexdigest() == original.content


async def _without_bytes(context: Context, entry: LedgerEntry) -> Finding:
    """Return whether the document is not there, or only what it was made of."""
    words = {"document": entry.document_id, "mirror": entry.key.mirror}
    found = await document_of(context, entry.document_id, "asking for a document")
    if found is GONE:
        return finding_of(entry, Verdict.MISSING, say.MISSING(**words))
    why = say.BYTES_LOST(file=entry.key.path, **words)
    return finding_of(entry, Verdict.LOST, why, sent_again=True)


def _unread(context: Context, entry: LedgerEntry, failure: Failure) -> Finding:
    """Return why one document could not be read.

    Raises:
        Problem: it is so of all of them: no bytes are given out, the key is refused, or the
            server is away.
    """
    match failure:
        case Rejected(why) | NotReady(why) if why.message is not remote_say.NO_DOWNLOADS:
            return finding_of(entry, Verdict.UNREAD, why)
    refuse(context.mirror, "downloading a document", failure)


def finding_of(
    entry: LedgerEntry,
    verdict: Verdict,
    why: Notice | None = None,
    *,
    stored: int | None = None,
    expected: int | None = None,
    sent_again: bool = False,
) -> Finding:
    """Return `verdict` on the document of `entry`; the other words are `Finding`'s."""
    return Finding(
        key=entry.key,
        document_id=entry.document_id,
        document_name=entry.document_name,
        verdict=verdict,
        why=why,
        stored=stored,
        expected=expected,
        sent_again=sent_again,
    )
