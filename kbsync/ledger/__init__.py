"""The ledger: what was done for every key, what is under way, the newest listing of each base."""

from kbsync.ledger.clock import LedgerClock
from kbsync.ledger.store import LedgerStore

__all__ = ["LedgerClock", "LedgerStore"]
