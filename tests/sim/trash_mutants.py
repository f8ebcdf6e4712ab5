"""kbsync with one promise about the trash or about swaps taken out; see `mutants`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

from kbsync.engine.execute import trash
from kbsync.engine.execute.marking import MarkWriter
from kbsync.ledger.store import LedgerStore
from kbsync.model import Cause
from kbsync.planning import swap_rows, trash_rows
from kbsync.planning.case import Case, trashed


def trash_has_no_time() -> Any:
    """What is in the trash is deleted by the next pass."""

    def deletes(case: Case) -> Cause | None:
        return Cause.EXPIRED if trashed(case) else None

    true = LedgerStore.rows

    def rows(store: LedgerStore, *args: Any, **more: Any) -> Any:
        return true(store, *args, **{**more, "now": float("inf")})

    stack = ExitStack()
    stack.enter_context(mock.patch.object(trash_rows, "_deletes", deletes))
    stack.enter_context(mock.patch.object(LedgerStore, "rows", rows))
    return stack


def taken_out_is_trash() -> Any:
    """What an operator enabled or edited in the trash is deleted all the same."""
    return mock.patch.object(trash_rows, "_kept_there", return_value=None)


def disabled_before_it_is_said() -> Any:
    """The call is made first, and noted down when it is answered."""
    return mock.patch.object(trash, "_announce", return_value=None)


def values_stay_behind() -> Any:
    """A document is replaced without what others wrote on it."""
    stack = ExitStack()
    stack.enter_context(mock.patch.object(swap_rows, "left_behind", return_value={}))
    # The writer of marks does not look at the document that is replaced.
    stack.enter_context(mock.patch.object(MarkWriter, "_replaced", return_value=""))
    return stack
