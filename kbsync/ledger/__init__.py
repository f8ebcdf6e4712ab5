"""The memory: what was done for every key, what is under way, and what the base last told."""

from kbsync.ledger.clock import LedgerClock
from kbsync.ledger.store import LedgerStore

__all__ = ["LedgerClock", "LedgerStore"]
