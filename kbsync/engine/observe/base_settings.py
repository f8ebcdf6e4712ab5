"""The declared settings of a mirror's knowledge base, compared with those it has."""

from __future__ import annotations

from dataclasses import replace

from kbsync.engine.context import Context, Mirror
from kbsync.engine.ports import Ledger
from kbsync.messages import Notice
from kbsync.messages import base_settings as say
from kbsync.model import UNDECLARED, Base, BaseChange, Capabilities
from kbsync.planning.base_settings import BaseCase, as_read, base_changes

A_DAY = 86400.0


def changes_of(context: Context) -> tuple[BaseChange, ...]:
    """Return the declared settings that the base of `context` does not have."""
    if context.mirror.config.declared_base == UNDECLARED:
        return ()
    return base_changes(case_of(context))


def case_of(context: Context) -> BaseCase:
    """Return the comparison of the base of `context`, as it was found."""
    mirror, ledger = context.mirror, context.ledger
    since = context.clock.now() - A_DAY
    case = case_with(mirror, context.base, context.remote.capabilities, ledger)
    return replace(case, repairs=lambda setting: ledger.repairs(setting.key(mirror.name), since))


def case_with(
    mirror: Mirror, base: Base | None, able: Capabilities, ledger: Ledger | None
) -> BaseCase:
    """Return the comparison of `base`.

    Args:
        mirror: what is declared.
        base: as found; None while it is still to be made.
        able: what the server can do.
        ledger: remembers what was applied last; None where there is none yet.
    """
    config = mirror.config
    binding = ledger.binding(mirror.name) if ledger and base else None
    known = binding is not None and base is not None and binding.base_id == base.id
    return BaseCase(
        mirror=mirror.name,
        name=base.name if base else config.knowledge_base.name or "",
        declared=config.declared_base,
        applied=as_read(binding.settings) if binding is not None and known else UNDECLARED,
        base=base,
        able=able,
        report=config.on_drift == "report",
    )


def hidden(mirror: Mirror, base: Base | None) -> Notice | None:
    """Return that a base will be hidden from colleagues by default; None where it will not."""
    asked = mirror.config.knowledge_base.permission is not None
    # In an embedded one there is no colleague.
    if base is not None or asked or mirror.server.is_embedded:
        return None
    return say.BASE_HIDDEN(mirror=mirror.name, base=mirror.config.knowledge_base.name)
