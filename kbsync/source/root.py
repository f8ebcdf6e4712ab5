"""Why a source cannot be compared as a whole: it does not open, or its ignore file says nothing."""

from __future__ import annotations

import os

from kbsync.config import MirrorConfig
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.ignore_file import IgnoreFault, ignore_names, ignore_patterns
from kbsync.source.openat import FOLDER, GONE, OTHER_KIND
from kbsync.source.unread import why_unread


def root_blocked(config: MirrorConfig) -> Notice | None:
    """Return why a pass over the source would end before it began, None where it would not.

    Args:
        config: of the mirror. No more than the root of its source is looked at.
    """
    path = os.fspath(config.source)
    try:
        root = os.open(path, FOLDER)
    except OSError as error:
        return root_fault(path, error)
    try:
        ignore_patterns(ignore_names(config), root, path)
    except IgnoreFault as fault:
        return ignore_fault(fault)
    except OSError as error:
        return why_unread(error, says.FOLDER_UNREADABLE)
    finally:
        os.close(root)
    return None


def root_fault(path: str, error: OSError) -> Notice:
    """Say why the source itself cannot be opened."""
    if error.errno in GONE:
        return says.ROOT_GONE(path=path)
    if error.errno in OTHER_KIND:
        return says.ROOT_NO_FOLDER(path=path)
    return why_unread(error, says.FOLDER_UNREADABLE)


def ignore_fault(fault: IgnoreFault) -> Notice:
    """Say why an ignore file says nothing of what may be sent."""
    return says.IGNORE_UNREADABLE(name=fault.name, cause=fault.cause)
