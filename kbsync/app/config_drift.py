"""What the configuration says differently from the last pass, as the ledger remembers it.

A change is never silent: what the plan does not show by itself is said before it
(docs/configuration-changes.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kbsync.config import Settings
from kbsync.messages import Notice
from kbsync.messages import command as say

if TYPE_CHECKING:
    from kbsync.ledger.store import LedgerStore
    from kbsync.model import Binding


def changes(settings: Settings, ledger: LedgerStore) -> Iterator[Notice]:
    """Yield a warning for each change that a plan of the declared mirrors would not show.

    Args:
        settings: as loaded.
        ledger: open for reading.
    """
    yield from orphans(settings, ledger)
    for declared in settings.mirrors:
        binding = ledger.binding(declared.name)
        if binding is None:
            continue
        if binding.source != str(declared.source):
            words = {"old": binding.source, "new": declared.source}
            yield say.SOURCE_MOVED(mirror=declared.name, **words)
        url = settings.server_of(declared).url
        if binding.server != url:
            yield say.SERVER_MOVED(mirror=declared.name, old=binding.server, new=url)


def orphans(settings: Settings, ledger: LedgerStore) -> Iterator[Notice]:
    """Yield a warning for each mirror the ledger knows and the configuration does not."""
    for binding in ledger.bindings():
        if settings.mirror(binding.mirror) is None:
            yield _orphan(settings, ledger, binding)


def _orphan(settings: Settings, ledger: LedgerStore, binding: Binding) -> Notice:
    documents = sum(ledger.counts(binding.mirror).values())
    for declared in settings.mirrors:
        if str(declared.source) == binding.source and not ledger.counts(declared.name):
            names = {"old": binding.mirror, "new": declared.name}
            return say.MIRROR_RENAMED(documents=documents, **names)
    return say.MIRROR_ORPHANED(
        mirror=binding.mirror,
        documents=documents,
        base=binding.base_name,
        server=binding.server,
    )
