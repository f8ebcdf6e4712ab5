"""Declared metadata of one document: rules, front matter and sidecar → a value of each field.

Of several that set a field the last counts: the mirror, its rules in their order, front matter, the
sidecar. Pure: what of the file is needed comes in.
"""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath

from kbsync.messages import Notice
from kbsync.messages import engine as say
from kbsync.model import Declared, DeclaredValue, DocumentRule, FileFacts, Sidecar, Typed
from kbsync.model.declared import OFF
from kbsync.model.document_rule import MetadataValue
from kbsync.planning.metadata_types import text_of, time_of


def profile_of(rule: DocumentRule, sidecar: Sidecar | None) -> str:
    """Return what a document agrees with beside its chunks; empty where nothing is declared."""
    if sidecar is None:
        return rule.profile
    off = OFF if enabled_of(rule, sidecar) is False else ""
    return f"{rule.profile.removesuffix(OFF)}+{sidecar.digest}{off}"


def enabled_of(rule: DocumentRule, sidecar: Sidecar | None) -> bool | None:
    """Return whether searches are to look at a document, None where that is not declared."""
    if sidecar is not None and sidecar.fault is not None:
        return None  # it may say otherwise than the rule
    said = None if sidecar is None else sidecar.enabled
    return rule.enabled if said is None else said


def resolved(rule: DocumentRule, path: str, facts: FileFacts, sidecar: Sidecar | None) -> Declared:
    """Return what is declared of the document of `path`.

    Args:
        rule: of the path.
        path: key path.
        facts: of its file.
        sidecar: what stands beside it.
    """
    fault = facts.fault or (sidecar.fault if sidecar else None)
    if fault is not None:
        return Declared(stat=facts.stat, fault=fault)
    found: dict[str, DeclaredValue] = {}
    try:
        for name, typed, origin in _said(rule, path, facts, sidecar):
            found.pop(name, None)
            if typed is not None:
                found[name] = DeclaredValue(*typed, origin)
    except ValueError as error:
        fault = say.METADATA_UNUSABLE(path=path, cause=str(error))
        return Declared(stat=facts.stat, fault=fault)
    return Declared(values=found, stat=facts.stat)


def _said(
    rule: DocumentRule, path: str, facts: FileFacts, sidecar: Sidecar | None
) -> Iterator[tuple[str, Typed | None, str]]:
    for name, value in rule.metadata.items():
        origin = rule.origins.get(f"metadata.{name}", "the mirror")
        yield name, _of_rule(name, value, path, facts), origin
    for name, typed in facts.front_matter.items():
        yield name, typed, "front matter"
    for name, typed in sidecar.metadata.items() if sidecar else ():
        yield name, typed, "the sidecar"


def _of_rule(name: str, value: MetadataValue, path: str, facts: FileFacts) -> Typed | None:
    if not isinstance(value, str):
        return Typed("number", value)
    if value == "{mtime}":
        return Typed("time", facts.stat.mtime_ns // 1_000_000_000)
    if value == "{size}":
        return Typed("number", facts.stat.size)
    if not any(each[1] is not None for each in string.Formatter().parse(value)):
        text = value.format()  # {{ for a brace
        return time_of(text) or _text(name, text)
    return _text(name, value.format_map(_words(path, facts)))


def _text(name: str, text: str) -> Typed | None:
    try:
        return text_of(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _words(path: str, facts: FileFacts) -> Mapping[str, str]:
    file = PurePosixPath(path)
    parent = file.parent.as_posix()
    moment = facts.stat.mtime_ns // 1_000_000_000
    return {
        "relative_path": path,
        "name": file.name,
        "stem": file.stem,
        "extension": file.suffix[1:].lower(),
        "parent": "" if parent == "." else parent,
        "mtime": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "size": str(facts.stat.size),
        "owner": facts.owner,
    }


# -- what a server holds ---------------------------------------------------------------------------


def is_stored(value: MetadataValue | None, text: str | None) -> bool:
    """Whether a server that reads a field back as `text` holds `value`; None is no value."""
    if value is None or text is None:
        return value is None and text is None
    if isinstance(value, str):
        return value == text
    try:
        return float(text) == float(value)
    except (ValueError, OverflowError):
        return False


def wanted_values(
    declared: Mapping[str, MetadataValue | None], written: Mapping[str, MetadataValue | None]
) -> dict[str, MetadataValue | None]:
    """Return every field that is kbsync's to set, with its value; None to take it away.

    Args:
        declared: the values now.
        written: those that were written before.
    """
    return {**dict.fromkeys(written), **declared}


def are_stored(wanted: Mapping[str, MetadataValue | None], held: Mapping[str, str]) -> bool:
    """Whether a document holds all `wanted` values, and none that was taken away."""
    return all(is_stored(value, held.get(name)) for name, value in wanted.items())


def plain(declared: Declared) -> dict[str, MetadataValue]:
    """Return the values alone, of the fields that can be written."""
    return {n: each.value for n, each in declared.values.items() if n not in declared.conflicts}


def conflict_of(path: str, name: str, wanted: str, found: str) -> Notice:
    """Return what is said of a field that the server has with another type."""
    return say.FIELD_OF_OTHER_TYPE(path=path, field=name, wanted=wanted, found=found)
