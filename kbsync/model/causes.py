"""Why an action is: one word that the plan, the journal and every JSON output show."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why a key gets its action. The guard, the pool and reports decide by it, never by the row.

    A Hold or Conflict carries the cause of the action it takes the place of where it has one.
    The values are stored in the journal and in plan files: they stay as they are.
    """

    # Create, Update, Move
    NEW = "new"  # a file without a document
    MISSING = "missing"  # its document was deleted at the server
    EDITED = "edited"  # the file has other content than was sent
    SETTINGS = "settings"  # the mirror's chunk settings changed since it was sent
    UNKNOWN = "unknown"  # what was sent is not known
    DRIFT = "drift"  # the document was changed at the server
    RECOVER = "recover"  # indexing of the document failed
    STUCK = "stuck"  # the server lost its task: documents sent later are done
    PROBE = "probe"  # nothing the server was sent moves: does it work at all?
    MOVED = "moved"  # the document of a file that was renamed

    # Delete, Trash
    REMOVED = "removed"  # the file is gone
    ORPHAN = "orphan"  # marked as ours, with neither file nor entry
    EXTRA = "extra"  # a second document of ours for one file
    SUPERSEDED = "superseded"  # its replacement is indexed (swap)
    FAILED = "failed"  # indexing of the replacement failed (swap): the old document stays
    EXCLUDED = "excluded"  # the filters leave the file out
    EXPIRED = "expired"  # its time in the trash is over
    EMPTIED = "emptied"  # a person emptied the trash
    STALE = "stale"  # the document holds what the file held before; nothing newer can be sent
    DESTROYED = "destroyed"  # the whole mirror is deleted by command

    # Adopt
    MARK = "mark"  # its valid mark names this file
    SWAP_UNDONE = "swap undone"  # the replacement was deleted at the server: the old one is back
    NAME = "name"  # `kbsync adopt`: file and document have the same name
    BASENAME = "basename"  # `kbsync adopt`: the same name behind the last slash
    MAP = "map"  # `kbsync adopt`: paired by the given list

    # SetMetadata, Switch, Restore, Forget
    METADATA = "metadata"  # only the mark or declared metadata differs
    SWITCHED = "switched"  # whether searches look at the document is declared otherwise
    RETURNED = "returned"  # the file of a trashed document is back
    TRASH_EMPTIED = "trash emptied"  # a trashed document was deleted at the server
    GONE_ON_BOTH_SIDES = "gone on both sides"  # neither file nor document is left

    # Resolve: the operation of the pending intent
    PENDING_CREATE = "create"
    PENDING_UPDATE = "update"
    PENDING_DELETE = "delete"
    PENDING_SWITCH = "switch"

    # Noop, Hold
    SAME = "same"  # both sides are as the ledger says
    UNREADABLE = "unreadable"  # the file could not be read now
    SKIPPED = "skipped"  # the file is never uploaded: type, size, name
    UNLISTED = "unlisted"  # the server's documents of this name are not known
    UNFINDABLE = "unfindable"  # indexed, and searches do not find it: disabled and enabled again
    INDEXING = "indexing"  # the server still works on the document
    OPERATOR = "operator"  # disabled or archived at the server
    GUARDED = "guarded"  # beyond what the pass may remove or embed again
