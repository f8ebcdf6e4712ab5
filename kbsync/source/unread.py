"""Why something in the source could not be opened: its rights, or a limit of the machine."""

from __future__ import annotations

from kbsync.messages import Message, Notice
from kbsync.messages import source as says
from kbsync.messages.machine_limits import machine_limit
from kbsync.source.openat import REPLACED, os_reason


def why_unread(error: OSError, message: Message = says.FILE_UNREADABLE) -> Notice:
    """Return why `error` came.

    Args:
        error: the system's.
        message: what to say where the fault is that of what was read; has a `cause`.
    """
    return machine_limit(error) or message(cause=os_reason(error))


def why_not_opened(error: OSError) -> Notice:
    """Return why a file that was found a moment ago could not be opened."""
    return why_unread(error, says.REPLACED if error.errno in REPLACED else says.FILE_UNREADABLE)
