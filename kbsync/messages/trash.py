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

# What `kbsync trash` says.

NOT_THERE = Message(
    "KB-V270",
    "no document of {path} is in the trash",
    "see what is, with: " + verb("trash list"),
    Exit.INCOMPLETE,
)
FILE_STANDS = Message(
    "KB-V271",
    "something stands at {path} already, so nothing was written",
    "its document is taken out of the trash by: " + verb("apply"),
    Exit.INCOMPLETE,
)
NOT_BROUGHT_BACK = Message(
    "KB-V272",
    "{path} cannot be brought back: {reason}",
    "put the file there from a backup, and its document is taken out of the trash; or let searches "
    "find the document again without the file: " + verb("docs enable -- {base} {document}"),
    Exit.INCOMPLETE,
)
AS_SENT = Message(
    "KB-V273",
    "{path} is as it was sent to the server, which is not byte for byte what the file held",
    "compare it with a backup where that matters, then: " + verb("apply"),
    Exit.OK,
)
CHANGED = Message(
    "KB-V274",
    "what is in the trash has changed since the question; nothing was deleted",
    verb("trash list"),
    Exit.FAULT,
)
HALTED = Message(
    "KB-V275",
    "mirror {mirror}: {reason}",
    "if you want that: " + verb("trash empty --yes --release {digest}"),
    Exit.HALTED,
)
CONVERTED = Message(
    "KB-V276",
    "it was sent as text made of the file, so that the server has no file to give",
)
NO_ROOM = Message("KB-V277", "it cannot be written: {cause}")
