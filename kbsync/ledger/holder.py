"""Who works with a ledger now, asked without taking its lock."""

from __future__ import annotations

import fcntl
import os

from kbsync.ledger.connections import reader_engine
from kbsync.ledger.database_errors import told
from kbsync.ledger.location import LedgerLocation
from kbsync.ledger.lock import Holder, backend_holder, read_holder


def holder_of(place: LedgerLocation) -> Holder | None:
    """Return who holds the lock of the ledger at `place`, None when nobody does.

    Raises:
        Problem: KB-L043 and the like, for a database that cannot be asked.
    """
    return _of_schema(place) if place.path is None else _of_file(f"{place.path}.lock")


def _of_file(file: str) -> Holder | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # Refused while somebody writes; held for an instant, and shared with others who look.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return read_holder(file)
    finally:
        os.close(descriptor)
    return None


def _of_schema(place: LedgerLocation) -> Holder | None:
    engine = reader_engine(place, "kbsync doctor")
    try:
        with told(place), engine.connect() as connection:
            return backend_holder(connection, place)
    finally:
        engine.dispose()
