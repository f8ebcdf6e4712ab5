"""Messages about watching a source for changes: codes KB-W001 and up, never re-used."""

from kbsync.messages import Message, shell, verb

NO_WATCHES = Message(
    "KB-W001",
    "the system grants no more inotify watches: {count} folders of {path} and their contents "
    "are compared every {seconds} s instead",
    "as root (for a container, on its host): " + shell("sysctl -w {setting}"),
)
NO_INSTANCES = Message(
    "KB-W002",
    "the system grants no more inotify instances: {path} is compared every {seconds} s instead",
    "as root (for a container, on its host): " + shell("sysctl -w {setting}"),
)
SILENT = Message(
    "KB-W003",
    "{path} is on {kind}, which does not report changes made elsewhere: "
    "it is compared every {seconds} s",
    "for changes within a second, run kbsync where the files are; see: " + verb("doctor"),
)
SILENT_PARTS = Message(
    "KB-W004",
    "{count} folders of {path} are on {kind} or the like, which does not report changes made "
    "elsewhere: they are compared every {seconds} s",
    "for changes within a second, run kbsync where the files are; see: " + verb("doctor"),
)
UNWATCHABLE = Message(
    "KB-W005",
    "{count} folders of {path} cannot be watched ({cause}): they are compared every {seconds} s",
    "remove the cause; until then changes are found later, and none is missed: " + verb("status"),
)
