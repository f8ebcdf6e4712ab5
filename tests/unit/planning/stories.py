"""Words to tell a case in: what stood where before the decision."""

from __future__ import annotations

from dataclasses import replace

from declared import mirror_config, one_rule

from kbsync.messages import Message, trash
from kbsync.model import (
    Absent,
    DocKey,
    EntryState,
    Excluded,
    Fingerprint,
    Intent,
    LedgerEntry,
    Op,
    Present,
    Readiness,
    Rejection,
    RemoteDocument,
    Skipped,
    Stat,
    Unknown,
)
from kbsync.planning.case import Case, DecisionRules, Evidence
from kbsync.planning.marks import Mark, values_of

KEY = DocKey(mirror="docs", path="guides/install.md")
NAME = "guides∕install.md"
NOW = 1_000_000.0
WHY = Message("KB-T001", "a test said so")()
RULES = DecisionRules(base_id="base-1", rule=one_rule("S").shared, config=mirror_config())
DISABLING = replace(RULES, rule=one_rule("S", on_delete="disable", trash_for=60.0).shared)
KEEPING = replace(RULES, rule=one_rule("S", on_delete="keep").shared)
DISABLED = (trash.DISABLED.code, trash.DISABLED().text)
OLD, NEW = Stat(10, 1, 1, 1), Stat(12, 2, 1, 1)
SENT = Fingerprint(content="old", settings="S")

ABSENT = Absent(key=KEY)
UNKNOWN = Unknown(key=KEY, why=WHY)
SKIPPED = Skipped(key=KEY, why=WHY)
EXCLUDED = Excluded(key=KEY)
SAME = Present(key=KEY, stat=OLD, content="old")
TOUCHED = Present(key=KEY, stat=NEW, content="old")
EDITED = Present(key=KEY, stat=NEW, content="new")
UNHASHED = Present(key=KEY, stat=NEW)


def remote(
    id_: str = "D", *, rev: str = "r1", words: int | None = 5, name: str = NAME, **more: object
) -> RemoteDocument:
    """A document that indexed well, by default."""
    readiness = more.pop("readiness", Readiness.AVAILABLE)
    return RemoteDocument(
        id=id_,
        name=name,
        rev=rev,
        word_count=words,
        readiness=readiness,  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def marked(document: RemoteDocument, content: str = "old", settings: str = "S") -> RemoteDocument:
    """The same document with our valid mark for KEY."""
    fingerprint = Fingerprint(content=content, settings=settings)
    mark = Mark(mirror=KEY.mirror, path=KEY.path, fingerprint=fingerprint, rev=document.rev)
    return replace(document, metadata=values_of(mark))


def entry(state: EntryState = EntryState.SYNCED, **more: object) -> LedgerEntry:
    """What the ledger says after the file with content `old` was uploaded as D."""
    settled = LedgerEntry(
        key=KEY,
        document_id="D",
        document_name=NAME,
        state=state,
        stat=OLD,
        fingerprint=SENT,
        rev="r1",
        word_count=5,
    )
    return replace(settled, **more)  # type: ignore[arg-type]


def intent(op: Op = Op.CREATE, **more: object) -> Intent:
    """A call that was announced at NOW and never accounted for."""
    pending = Intent(key=KEY, op=op, name=NAME, started_at=NOW)
    return replace(pending, **more)  # type: ignore[arg-type]


def refusal(content: str = "new", settings: str = "S") -> Rejection:
    """The server refused this content before."""
    fingerprint = Fingerprint(content=content, settings=settings)
    return Rejection(key=KEY, fingerprint=fingerprint, reason=("X", "no"), at=0.0, stat=NEW)


def declaring(**declared: object) -> DecisionRules:
    """The rules of a mirror that declares something else than the defaults."""
    return replace(RULES, config=mirror_config(**declared))


def case(**words: object) -> Case:
    """A case of KEY in which nothing is anywhere, but for `words`; evidence by its own names."""
    given = {name: words.pop(name) for name in list(words) if name in Evidence.__slots__}
    nothing = {"key": KEY, "name": NAME, "local": ABSENT, "rules": RULES, "now": NOW}
    evidence = Evidence(**given)  # type: ignore[arg-type]
    return Case(evidence=evidence, **{**nothing, **words})  # type: ignore[arg-type]
