"""Messages about limits of the process and the machine: codes KB-M001 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

OUT_OF_DESCRIPTORS = Message(
    "KB-M175",
    "this process may not open more files or connections (EMFILE): its own limit is reached, and "
    "no file and no server is at fault",
    "raise the limit (ulimit -n, or LimitNOFILE= of the service), then: " + verb("plan"),
    Exit.INCOMPLETE,
)
SYSTEM_OUT_OF_DESCRIPTORS = Message(
    "KB-M176",
    "this machine has no more open files to give to any process (ENFILE)",
    "end what holds so many, or raise fs.file-max, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
OUT_OF_MEMORY = Message(
    "KB-M177",
    "the system has no more memory for this process (ENOMEM)",
    "give it more (ulimit -v, MemoryMax= of the service, or the container's limit), then: "
    + verb("plan"),
    Exit.INCOMPLETE,
)
NO_TEMPORARY_ROOM = Message(
    "KB-M178",
    "the temporary folder {folder} takes no more, so the text cannot be converted: {cause}",
    "make room there, or name another folder in TMPDIR, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
NO_HOME = Message(
    "KB-M179",
    "the home folder of this user is not known (HOME is not set, and the user has no entry in the "
    "system's list), so it is not known where to keep {what}",
    "set HOME, or name a place with {key} in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
LITTLE_TEMPORARY_ROOM = Message(
    "KB-M180",
    "the temporary folder {folder} has {free} left, and texts of up to {most} may have to be "
    "written there to be converted",
    "make room there, or name another folder in TMPDIR, then: " + verb("doctor"),
    Exit.OK,
)
OUT_OF_THREADS = Message(
    "KB-M210",
    "the system starts no more threads for this process: its memory or the number of its tasks is "
    "limited",
    "raise the limit (ulimit -v and -u, MemoryMax= and TasksMax= of the service, or the "
    "container's), then: " + verb("plan"),
    Exit.INCOMPLETE,
)
