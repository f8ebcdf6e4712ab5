"""Messages about guard and saved plans: codes KB-G001 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

# Why a source may not be what it was.

ROOT_UNLISTED = Message(
    "KB-G001", "the source could not be listed to its end: {reason}", exit=Exit.OK
)
ROOT_EMPTY = Message("KB-G002", "the source holds no file to upload", exit=Exit.OK)
ROOT_STRANGE = Message(
    "KB-G003", "the source holds none of the {recorded} files the ledger knows", exit=Exit.OK
)
ROOT_DEVICE = Message(
    "KB-G004",
    "the source is on another device than it was, without most of the files the ledger knows "
    "(a disk may not be mounted)",
    exit=Exit.OK,
)
NOT_MOUNTED = Message(
    "KB-G140",
    "nothing is mounted on {path}, where a mount was when its files were sent",
    exit=Exit.OK,
)
NEWLY_MOUNTED = Message(
    "KB-G144",
    "what is mounted on {path} was not when the files of that folder were sent, and hides some",
    exit=Exit.OK,
)
MOUNT_STRANGE = Message(
    "KB-G141",
    "what is mounted on {path} holds none of the {recorded} files the ledger knows there",
    exit=Exit.OK,
)

# What was not done.

HALTED_ROOT = Message(
    "KB-G010",
    "mirror {mirror}: {reason}; {count} of {documents} documents would be removed, and none was",
    "if you want that: " + verb("apply --release {digest}"),
    Exit.HALTED,
)
HALTED_MOUNT = Message(
    "KB-G142",
    "mirror {mirror}: {reason}; {count} of {documents} documents would be removed or written over, "
    "and none was",
    "mount it, or if these files are gone for good: " + verb("apply --release {digest}"),
    Exit.HALTED,
)
HALTED_REMOVALS = Message(
    "KB-G011",
    "mirror {mirror}: {count} removals, and {recent} in the hour before, of {documents} documents "
    "are more than the {limit} that are made without your consent; none was made",
    "if you want that: " + verb("apply --release {digest}"),
    Exit.HALTED,
)
HALTED_UPLOADS = Message(
    "KB-G012",
    "mirror {mirror}: {count} uploads of files that did not change, and {recent} in the hour "
    "before, for {documents} documents are more than the {limit} that are made without your "
    "consent; none was made",
    "if you want that: " + verb("apply --release {digest}"),
    Exit.HALTED,
)
# By code, for what was kept of a halt as code and sentence.
HALTED = {each.code: each for each in (HALTED_ROOT, HALTED_MOUNT, HALTED_REMOVALS, HALTED_UPLOADS)}
HELD_REMOVAL = Message(
    "KB-G013",
    "the document of {path} would have to be removed, which was not planned in this pass",
    verb("plan"),
    Exit.INCOMPLETE,
)
HELD_UPLOAD = Message(
    "KB-G014",
    "{path} would have to be uploaded again ({cause}), which was not planned in this pass",
    verb("plan"),
    Exit.INCOMPLETE,
)

HELD_UNMOUNTED = Message(
    "KB-G143",
    "{path} is below a mount point where nothing is mounted now: it may not be the file that was "
    "sent",
    "mount it, then: " + verb("plan"),
    Exit.INCOMPLETE,
)

# Releases.

BAD_RELEASE = Message(
    "KB-G020",
    "{release} is not a release: that is 8 to 64 of the digits 0-9 and a-f",
    "copy it from: " + verb("plan"),
    Exit.USAGE,
)
NO_SUCH_HALT = Message(
    "KB-G021",
    "no halted mirror has the release {release}",
    "see what is halted now with: " + verb("plan"),
    Exit.USAGE,
)

# Saved plans.

PLAN_UNREADABLE = Message(
    "KB-G030",
    "{file} is not a saved plan: {why}",
    "make one with: " + verb("plan -o {file}"),
    Exit.USAGE,
)
PLAN_WITH_MORE = Message(
    "KB-G031",
    "{file} is a saved plan, which says by itself what to do; {other} cannot be added",
    verb("apply -- {file}"),
    Exit.USAGE,
)
PLAN_OTHER_SETTINGS = Message(
    "KB-G032",
    "the configuration was changed since {file} was saved; nothing was done",
    "plan again with: " + verb("plan -o {file}"),
    Exit.USAGE,
)
PLAN_OTHER_BASE = Message(
    "KB-G033",
    "mirror {mirror} is tied to another knowledge base than when {file} was saved; "
    "nothing was done",
    "plan again with: " + verb("plan -o {file}"),
    Exit.REFUSED,
)
PLAN_STALE = Message(
    "KB-G034",
    "{count} actions are not what {file} says any more; nothing was done",
    "plan again with: " + verb("plan -o {file}"),
    Exit.INCOMPLETE,
)
PLAN_MOVED = Message(
    "KB-G035",
    "mirror {mirror}, {path}: {before} was planned, {after} would be done now",
    "plan again with: " + verb("plan -o {file}"),
    Exit.INCOMPLETE,
)
PLAN_NOT_SAVED = Message(
    "KB-G036",
    "{file} was not written: a mirror could not be planned",
    verb("plan"),
    Exit.REFUSED,
)
NOT_AS_PLANNED = Message(
    "KB-G130",
    "{path} does not hold what it held when the plan was saved; it was not sent",
    verb("plan"),
    Exit.INCOMPLETE,
)
CHANGED_WHILE_SAVED = Message(
    "KB-G131",
    "{file} was not written: {path} changed meanwhile, or cannot be read",
    "plan again with: " + verb("plan -o {file}"),
    Exit.INCOMPLETE,
)
BAD_TARGET = Message(
    "KB-G037",
    "{pattern} is not a gitignore pattern that can match a file",
    "write another pattern in quotes, as in: " + verb("plan --target 'guides/*.md'"),
    Exit.USAGE,
)
