"""Messages about the trash: codes KB-E270 and KB-V270 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

DISABLED = Message(
    "KB-E270",
    "its file is gone: its document was disabled, so that no search finds it",
    exit=Exit.OK,
)
KEPT = Message(
    "KB-E271",
    "its file is gone: its document is kept, and searches find it",
    exit=Exit.OK,
)
CANNOT_DISABLE = Message(
    "KB-E272",
    "{path} is gone, and its document is to be disabled, which this server cannot do; it is left "
    "as it is",
    "set on_delete to keep or delete, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
ENABLED_THERE = Message(
    "KB-E273",
    "the document of {path} was enabled at the server after it was put into the trash, so it is "
    "not deleted from there",
    "to delete it all the same: " + verb("docs delete -- {base} {document}"),
    Exit.OK,
)
EDITED_THERE = Message(
    "KB-E274",
    "the document of {path} was changed at the server after it was put into the trash, so it is "
    "not deleted from there",
    "bring the file back, or delete it all the same: " + verb("docs delete -- {base} {document}"),
    Exit.INCOMPLETE,
)
WAITS_FOR_SWITCH = Message(
    "KB-E275",
    "the server refuses to {action} the document of {path} while an earlier switch of it has its "
    "lock (ten minutes at most)",
    "it goes on by itself; to see it: " + verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
