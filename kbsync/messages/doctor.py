"""What `kbsync doctor` finds: codes KB-D001 and up, never re-used.

A message with exit OK and no next step says that all is well; with a next step it is a warning.
"""

from kbsync.messages import Advice, Exit, Message, shell, verb


def _well(code: str, text: str) -> Message:
    return Message(code, text, exit=Exit.OK)


def _warning(code: str, text: str, following: Advice) -> Message:
    return Message(code, text, following, Exit.OK)


# The server.

UPDATES_IN_PLACE = _well("KB-D001", "server {server}: changed files are updated in place")
TWINS = _warning(
    "KB-D003",
    "server {server}: version {version} makes a second document when a name exists already; "
    "kbsync looks every name up before it creates",
    "update the server when you can, then: " + verb("doctor"),
)
MARKS = _well(
    "KB-D004", "server {server}: documents can carry marks, so a lost ledger can be rebuilt"
)
NO_RATE = _warning(
    "KB-D006",
    "server {server}: {host} limits writes to 10, 100 or 1000 a minute by plan, and no limit is "
    "declared; refused calls count too",
    "set server.requests_per_minute to your plan's limit, then: " + verb("doctor"),
)
RATE = _well("KB-D007", "server {server}: at most {rate} writes a minute")
NO_LIMIT = _well("KB-D008", "server {server}: writes are not limited")
CLOCK = _well(
    "KB-D009", "server {server}: its clock and that of this machine agree within {seconds} s"
)
CLOCK_APART = _warning(
    "KB-D010",
    "server {server}: its clock and that of this machine are {seconds} s apart; times in its pages "
    "and in `kbsync history` will not match, and certificates may look invalid",
    "set the clock of the wrong machine, for instance with: " + shell("timedatectl set-ntp true"),
)
CLOCK_UNKNOWN = _well("KB-D011", "server {server}: it does not send its time")

# What is in flight.

ONE_IN_FLIGHT = _well(
    "KB-D110",
    "mirror {mirror}: this server (version {version}) may lose what it indexes at the same time "
    "from search, so one document is in flight, and up to {searches} searches prove each "
    "(max_indexing of the mirror overrides it)",
)
SEVERAL_IN_FLIGHT = _warning(
    "KB-D111",
    "mirror {mirror}: this server (version {version}) may lose what it indexes at the same time "
    "from search, and max_indexing lets {most} documents be; up to {searches} searches prove each, "
    "and what is lost is mended",
    "leave out max_indexing of mirror {mirror}, then: " + verb("validate"),
)
SAMPLED = _well(
    "KB-D112",
    "mirror {mirror}: one document of {number} is searched for once it is indexed, a sample; all "
    "of them are by: kbsync verify --search {mirror}",
)

# Mirrors.

LIMITS = _well(
    "KB-D020", "mirror {mirror}: files up to {limit} MB of {count} types, as servers accept them"
)
LARGER = _warning(
    "KB-D021",
    "mirror {mirror}: max_file_size is {limit} MB; a server accepts 15 MB unless its "
    "UPLOAD_FILE_SIZE_LIMIT was raised, and refuses larger files one by one",
    "set max_file_size: 15MB, or raise the server's limit too, then: " + verb("validate"),
)
MORE_TYPES = _warning(
    "KB-D022",
    "mirror {mirror}: a server does not accept these extensions unless its operator changed that: "
    "{extensions}",
    "take them out of `extensions`, or see whether they are refused with: " + verb("apply"),
)
ONE_BASE = Message(
    "KB-D023",
    "mirrors {mirror} and {other} are tied to one knowledge base, {base}, and their documents' "
    "names can be the same",
    "give each a prefix of its own, then: " + verb("validate"),
    Exit.USAGE,
)

# The ledger.

LEDGER_UNMADE = _well("KB-D030", "ledger {place}: made by the first apply")
LEDGER_SOUND = _well("KB-D031", "ledger {place}: read to its last page; no fault found")
LEDGER_DAMAGED = Message(
    "KB-D033",
    "ledger {place} is damaged: {why}",
    "restore a backup, or move the file away: "
    + shell("mv -n -- {place} {place}.damaged")
    + " && "
    + verb("plan"),
)
LEDGER_HELD = _warning(
    "KB-D034",
    "ledger {place}: in use by process {pid} on {host} since {since}: {command}",
    "if you do not want that, stop it; commands that only read work meanwhile: " + verb("status"),
)
LEDGER_FREE = _well("KB-D035", "ledger {place}: not in use")
COUNTS = _well("KB-D036", "mirror {mirror}: {synced} documents in sync")
PENDING = _warning(
    "KB-D037",
    "mirror {mirror}: {count} calls got no answer yet, so it is not known whether they took effect",
    "find out with: " + verb("apply"),
)
FAILED = _warning(
    "KB-D038",
    "mirror {mirror}: {count} documents failed or were refused",
    "see why with: " + verb("status --failed"),
)

NETWORK_LEDGER = _warning(
    "KB-D197",
    "ledger {place}: it is on {kind}, where SQLite's locks and log are not safe once another "
    "machine has it open too",
    "set `ledger:` to a place on a local disk, then: " + verb("validate"),
)
DAEMON_HALTED = Message(
    "KB-D193",
    "mirror {mirror}: the daemon (process {pid}) has halted it: {why} [{code}]",
    "see what to do with: " + verb("status --running"),
)

# The machine.

LOCAL_DISK = _well("KB-D040", "mirror {mirror}: {path} is on {kind}, a local file system")
REMOTE_DISK = _warning(
    "KB-D041",
    "mirror {mirror}: {path} is on {kind}, which does not report what other machines change",
    "changes are found by comparing, as often as you type: " + verb("apply"),
)
UNKNOWN_DISK = _well("KB-D042", "mirror {mirror}: the file system of {path} is not known")
FOLDS_CASE = _warning(
    "KB-D043",
    "mirror {mirror}: in {path} A.md and a.md are one file",
    "give files names that differ in more than case, then: " + verb("plan"),
)
KEEPS_CASE = _well("KB-D044", "mirror {mirror}: names that differ in case are two files")
FOLDS_LETTERS = _warning(
    "KB-D045",
    "mirror {mirror}: in {path} names that differ only in how letters are composed are one file",
    "nothing has to be done, as names are compared as NFC; to see it: " + verb("plan"),
)
KEEPS_LETTERS = _well("KB-D046", "mirror {mirror}: names are kept as they are written")
WATCHES = _well("KB-D047", "{folders} folders to watch; {free} of {most} inotify watches are free")
FEW_WATCHES = _warning(
    "KB-D048",
    "{folders} folders to watch, but only {free} of {most} inotify watches are free",
    shell("sudo sysctl fs.inotify.max_user_watches={wanted}"),
)
NO_INOTIFY = _well("KB-D049", "this machine has no inotify; changes are found by comparing")

# The probe.

FOUND = _well("KB-D060", "mirror {mirror}: a sentence of {path} is found in {milliseconds} ms")
NOT_FOUND = Message(
    "KB-D061",
    "mirror {mirror}: a sentence of {path} is not among the {top} best answers of its knowledge "
    "base",
    "see what is found with: " + verb("search {mirror} -- {sentence}"),
)
STILL_FOUND = Message(
    "KB-D062",
    "mirror {mirror}: {path} was deleted at the server, but is still found",
    "its index is cleaned by the same worker that indexes: look again later with: "
    + verb("doctor"),
)
DELETED = _well("KB-D063", "mirror {mirror}: {path} was deleted, and is not found")
NOTHING_TO_ASK = _well("KB-D064", "mirror {mirror}: no document to ask for yet")
NO_SENTENCE = _well("KB-D065", "mirror {mirror}: {path} has no sentence to ask for")

# Indexing, measured.

INDEXES = _well(
    "KB-D188",
    "mirror {mirror}: the server indexes: something of what is under way ({count} documents) moved "
    "in {seconds} s",
)
INDEXING_STANDS = Message(
    "KB-D189",
    "mirror {mirror}: none of what {server} is to index ({count} documents) has moved since "
    "{since}, nor in {seconds} s just now: its indexing worker does not run, or works for others",
    "start the server's worker, then look again with: " + verb("doctor"),
    Exit.REFUSED,
)
INDEXING_NOT_SEEN = _warning(
    "KB-D190",
    "mirror {mirror}: what {server} is to index ({count} documents) moved last at {since}, and not "
    "in {seconds} s just now",
    "look again after a minute with: " + verb("doctor"),
)
INDEXED = _well(
    "KB-D191",
    "mirror {mirror}: nothing is to be indexed; of the last {count} documents half took less than "
    "{seconds} s, and the last was done at {last}",
)
