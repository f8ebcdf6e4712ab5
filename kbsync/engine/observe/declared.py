"""What is declared of a document beside its chunks, asked of its file and its sidecar."""

from __future__ import annotations

from dataclasses import replace

import anyio.to_thread

from kbsync.engine.context import Context
from kbsync.messages import Notice
from kbsync.messages import source as source_say
from kbsync.model import (
    Capability,
    Declared,
    DocKey,
    FileFacts,
    FileState,
    LedgerEntry,
    Present,
    Sidecar,
    Unknown,
)
from kbsync.model.declared import OFF
from kbsync.planning.declared_metadata import conflict_of, enabled_of, profile_of, resolved


def sidecar_of(context: Context, local: FileState) -> Sidecar | None:
    """Return what stands beside a file about its document; None for a file that is not there."""
    present = isinstance(local, Present)
    return context.mirror.source.sidecar(local.key.path) if present else None


def wanted_switch(
    context: Context, entry: LedgerEntry | None, local: FileState, sidecar: Sidecar | None
) -> bool | None:
    """Return whether searches are to look at a document; None where that is left to the server.

    What was disabled because that was declared is enabled once it is not declared any more.
    """
    if Capability.SWITCH not in context.remote.capabilities:
        return None
    declared = enabled_of(context.mirror.rule_of(local.key.path), sidecar)
    if declared is not None or entry is None or not entry.profile.endswith(OFF):
        return declared
    if sidecar is not None and sidecar.fault is not None:
        return False  # as it is, until the sidecar can be read
    return isinstance(local, Present)


async def declared_for(
    context: Context, file: Present, sidecar: Sidecar | None, taken: str | None
) -> Declared | FileState:
    """Return what is declared of the document of `file`.

    Args:
        context: the three sides of the mirror.
        file: as it is now.
        sidecar: what stands beside it.
        taken: what its text was taken as when it was sent.

    Returns:
        The state of the file where it is not the one any more that was looked at.
    """
    path, rule = file.key.path, context.mirror.rule_of(file.key.path)
    profile, enabled = profile_of(rule, sidecar), enabled_of(rule, sidecar)
    if not profile:
        return Declared(stat=file.stat)
    facts = await anyio.to_thread.run_sync(context.mirror.source.facts, path, taken)
    if not isinstance(facts, FileFacts):
        return facts
    if not facts.stat.agrees(file.stat):
        return Unknown(key=file.key, why=source_say.TORN())
    declared = resolved(rule, path, facts, sidecar)
    by_sidecar = sidecar is not None and sidecar.enabled is not None
    origin = "the sidecar" if by_sidecar else rule.origins.get("enabled", "")
    declared = replace(declared, profile=profile, enabled=enabled, switch_origin=origin)
    if context.fields is None:  # documents carry none there
        return replace(declared, values={})
    return replace(declared, conflicts=_conflicts(context, path, declared))


def _conflicts(context: Context, path: str, declared: Declared) -> dict[str, Notice]:
    found = {}
    for name, (kind, _, _) in declared.values.items():
        field_id = (context.fields or {}).get(name)
        there = context.remote.field_kind(field_id) if field_id else kind
        if there != kind:
            found[name] = conflict_of(path, name, kind, there)
    return found


async def declared_after_upload(context: Context, key: DocKey) -> Declared | None:
    """Return what is declared of a document that was just sent, to be written with its mark.

    None where it is not known: the file changed since, or cannot be read.
    """
    entry = context.ledger.entry(key)
    if entry is None or context.fields is None:
        return None
    sidecar = context.mirror.source.sidecar(key.path)
    if not profile_of(context.mirror.rule_of(key.path), sidecar) and not entry.metadata:
        return None
    local = context.mirror.source.look(key.path)
    if not isinstance(local, Present):
        return None
    found = await declared_for(context, local, sidecar, entry.encoding)
    if not isinstance(found, Declared) or found.stat is None or found.fault is not None:
        return None
    return found if found.stat.agrees(entry.stat) else None
