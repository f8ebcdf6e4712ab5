"""One decision explained: the three sides of a key, the row that matched, the next step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import moment, printable
from kbsync.model import (
    Absent,
    Action,
    Conflict,
    DocumentRule,
    Excluded,
    FileState,
    Hold,
    LedgerEntry,
    Present,
    RemoteDocument,
    Skipped,
    Unknown,
)
from kbsync.planning.case import GONE, Case, Evidence
from kbsync.planning.plan import name_of, reason_of
from kbsync.planning.plan_text import WORDS
from kbsync.planning.render import size_of

NOTHING = "nothing to do"


class RuleLine(NamedTuple):
    """One setting of a path, and where it comes from: the mirror, or one of its rules."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What `kbsync explain` shows, side by side."""

    path: str
    mirror: str
    name: str
    file: str
    ledger: str
    server: str
    action: str
    row: str
    why: str
    next: str
    rule: tuple[RuleLine, ...] = ()
    metadata: tuple[RuleLine, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield the lines a person reads."""
        yield f"{printable(self.path)}  (mirror {self.mirror})"
        yield f"  document name  {printable(self.name)}"
        yield f"  file           {self.file}"
        yield f"  ledger         {self.ledger}"
        yield f"  server         {self.server}"
        decided = WORDS[self.action].sum if self.action in WORDS else NOTHING
        yield f"  decision       {decided}, row {self.row}: {self.why}"
        if self.next:
            yield f"  next           {self.next}"
        for number, line in enumerate(self.rule):
            head = "" if number else "settings"
            yield f"  {head:<14} {printable(f'{line.key}: {line.value}  ({line.origin})')}"
        for number, line in enumerate(self.metadata):
            head = "" if number else "metadata"
            yield f"  {head:<14} {printable(f'{line.key}: {line.value}  ({line.origin})')}"

    def as_json(self) -> dict[str, object]:
        """Return it as one object; `rule` and `metadata` are lists, all else is text."""
        tables = ("rule", "metadata")
        flat: dict[str, object] = {
            name: getattr(self, name) for name in self.__dataclass_fields__ if name not in tables
        }
        return flat | {name: [line._asdict() for line in getattr(self, name)] for name in tables}


def unheard_of(case: Case) -> bool:
    """Whether the path is neither a file nor known to the ledger or the server."""
    sides = (case.entry, case.intent, case.rejection)
    return (
        isinstance(case.local, Absent)
        and case.local.unmounted is None
        and not any(sides)
        and _server(case.evidence) == _NO_DOCUMENT
    )


def explained(case: Case, action: Action) -> Explanation:
    """Return `action` for `case`, explained."""
    following = action.why.next if isinstance(action, Hold | Conflict) else ""
    return Explanation(
        path=case.key.path,
        mirror=case.key.mirror,
        name=case.name,
        file=_file(case.local),
        ledger=_ledger(case),
        server=_server(case.evidence),
        action=name_of(action),
        row=action.row,
        why=reason_of(action),
        next=following,
        rule=tuple(_rule_lines(case.rules.rule)),
        metadata=tuple(_metadata_lines(case)),
    )


def _metadata_lines(case: Case) -> Iterator[RuleLine]:
    """Yield what is declared of the document: each value with its type, and the switch."""
    declared = case.declared
    if declared is None:
        return
    for name, (kind, value, origin) in sorted(declared.values.items()):
        said = moment(float(value)) if kind == "time" else value
        why = declared.conflicts.get(name)
        yield RuleLine(name, f"{said} [{kind}]", origin if why is None else f"{origin}; {why}")
    if declared.fault is not None:
        yield RuleLine("not known", str(declared.fault), "the document keeps what it has")
    if declared.switch_origin:
        yield RuleLine("enabled", _value(case.enabled), declared.switch_origin)


def _rule_lines(rule: DocumentRule) -> Iterator[RuleLine]:
    """Yield what is declared of the path, key by key; what has its default is left out."""
    values = {
        "chunking": rule.chunking.process_rule.get("mode"),
        "language": rule.chunking.language,
        "encoding": ", ".join(rule.encoding),
        **{key: getattr(rule, key) for key in _SHOWN},
    }
    for key, value in values.items():
        if key in rule.origins:
            yield RuleLine(key=key, value=_value(value), origin=rule.origins[key])


_NO_DOCUMENT = "no document"
_SHOWN = (
    *("csv", "send", "links", "front_matter", "update_strategy"),
    *("on_delete", "trash_for"),
)


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _file(local: FileState) -> str:
    match local:
        case Present(stat=stat, content=content, taken=taken):
            read = f", sha256 {content[:12]}" if content else ", not read"
            return f"there, {size_of(stat.size)}{read}{_taken(taken)}{_unmounted(local)}"
        case Absent():
            return f"not there{_unmounted(local)}"
        case Excluded(why=why):
            return f"left out: {why}" if why else "left out by the filters"
        case Skipped(why=why):
            return f"skipped: {why}"
        case Unknown(why=why):
            return f"could not be read: {why}"


def _unmounted(local: Present | Absent) -> str:
    if local.unmounted is None:
        return ""
    point = printable(local.unmounted)
    return f", but nothing is mounted on {point}, where a mount was: the guard halts what follows"


def _ledger(case: Case) -> str:
    parts = []
    if case.intent is not None:
        parts.append(f"a call to {case.intent.op} it has not been accounted for")
    if case.entry is not None:
        parts.append(_entry(case.entry, case.rules.settings))
    if case.rejection is not None:
        parts.append(f"refused before: {printable(case.rejection.reason[1])}")
    return "; ".join(parts) or "nothing known"


def _entry(entry: LedgerEntry, settings: str) -> str:
    if entry.fingerprint is None:
        sent = "content unknown"
    elif entry.fingerprint.settings != settings:
        sent = f"sha256 {entry.fingerprint.content[:12]}, under other settings"
    else:
        sent = f"sha256 {entry.fingerprint.content[:12]}"
    why = f", {printable(entry.reason[1])}" if entry.reason else ""
    sent += _taken(entry.encoding)
    return f"{entry.state.value}, document {printable(entry.document_id)}, {sent}{why}"


def _taken(taken: str | None) -> str:
    return f", taken as {printable(taken)}" if taken else ""


def _server(evidence: Evidence) -> str:
    parts = []
    if evidence.known is GONE:
        parts.append("the ledger's document is gone")
    elif isinstance(evidence.known, RemoteDocument):
        parts.append(_document(evidence.known))
    parts += [f"also of our name: {_document(each)}" for each in evidence.namesakes]
    parts += [f"also marked as ours: {_document(each)}" for each in evidence.marked]
    return "; ".join(parts) or _NO_DOCUMENT


def _document(document: RemoteDocument) -> str:
    error = f", {printable(document.error)}" if document.error else ""
    return f"document {printable(document.id)}, {document.readiness.value}{error}"
