"""kbsync with one promise about declared metadata or switches taken out; see `mutants`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

from kbsync.engine.context import Context
from kbsync.engine.observe import evidence
from kbsync.ledger.store import LedgerStore
from kbsync.model import FileState, Sidecar
from tests.model.folder import OpenFile


def values_are_believed() -> Any:
    """What was written once counts as declared, whatever is declared now."""
    return mock.patch.object(evidence, "profile_of", return_value="")


def listed_values_are_believed() -> Any:
    """A value that is listed otherwise than it was written is left so."""
    return mock.patch.object(LedgerStore, "_altered", return_value=frozenset())


def sidecars_say_nothing() -> Any:
    """The file beside a file is not looked at."""
    return mock.patch.object(evidence, "sidecar_of", return_value=None)


def switch_is_not_declared() -> Any:
    """Whether searches look at a document is left to the server."""
    return mock.patch.object(evidence, "wanted_switch", return_value=None)


def front_matter_is_sent() -> Any:
    """What stands before a text is sent with it, though it is declared."""
    true = OpenFile.__init__

    def opened(self: OpenFile, *args: Any, **more: Any) -> None:
        true(self, *args, **{**more, "begins": 0})

    return mock.patch.object(OpenFile, "__init__", opened)


def broken_sidecar_is_empty() -> Any:
    """A sidecar that cannot be used is one that says nothing."""
    true = evidence.sidecar_of

    def sidecar_of(context: Context, local: FileState) -> Sidecar | None:
        found = true(context, local)
        return None if found is None else replace(found, fault=None)

    return mock.patch.object(evidence, "sidecar_of", sidecar_of)
