"""Messages about the verbs: codes KB-V001 and up, never re-used."""

from kbsync.messages import Exit, Message
from kbsync.messages.advice import shell, verb

# What a command has to name.

SERVER_NOT_NAMED = Message(
    "KB-V001",
    "the configuration has several servers, and the command names none: {known}",
    "say which one with: --server NAME",
    Exit.USAGE,
)

# What the server has to have.

NO_SUCH_BASE = Message(
    "KB-V002",
    "the server has no knowledge base called {base}",
    "see which there are with: kbsync kb list",
    Exit.REFUSED,
)
SEVERAL_BASES = Message(
    "KB-V003",
    "the server has several knowledge bases called {base}: {ids}",
    "type the command again with the id of one",
    Exit.REFUSED,
)
NO_SUCH_DOCUMENT = Message(
    "KB-V004",
    "the knowledge base has no document called {document}",
    "see which there are with: kbsync docs list BASE --all",
)
SEVERAL_DOCUMENTS = Message(
    "KB-V005",
    "the knowledge base has several documents called {document}: {ids}",
    "type the command again with the id of one",
)
NO_SUCH_FIELD = Message(
    "KB-V006",
    "the knowledge base has no metadata field called {field}",
    "see which there are with: kbsync kb fields BASE",
)
NOT_THERE = Message(
    "KB-V007",
    "{call}: the server has nothing with that id",
    "see what there is with: kbsync {group} list",
)
BASE_UNMADE = Message(
    "KB-V008",
    "mirror {mirror}: there is no knowledge base {base} yet",
    "make and fill it with: kbsync apply",
    Exit.REFUSED,
)

# Calls that did not succeed.

RESTING = Message(
    "KB-V009",
    "{call}: the server got too many calls and asks to wait {seconds} s",
    "wait {seconds} s, then type the command again",
)
STILL_INDEXING = Message(
    "KB-V010",
    "{document} is not indexed after {seconds} s; its status is {status}",
    "look again with: kbsync docs get {base} {id}",
    Exit.INDEXING,
)
INDEXING_FAILED = Message(
    "KB-V011",
    "{document} could not be indexed: {words}",
    "send it again with: kbsync docs update-file {base} {id} FILE",
)
NOT_STORED = Message(
    "KB-V012",
    "the server took the values of {document}, but did not store: {names}",
    "see what it has with: kbsync docs get {base} {document}",
)
NEEDS_YES = Message(
    "KB-V013",
    "{question} The question cannot be asked here: standard input is not a terminal",
    "if you are sure, type the command again with: --yes",
    Exit.USAGE,
)

# What `validate` finds.

SERVER_ANSWERS = Message(
    "KB-V014", "server {server}: {url} accepts the key; version {version}", exit=Exit.OK
)
SERVER_UNMADE = Message(
    "KB-V015",
    "server {server}: the embedded knowledge base {path} is made by the first apply",
    exit=Exit.OK,
)
UPDATES_WEDGE = Message(
    "KB-V016",
    "server {server}: in version {version} an update stops the indexing worker for ever; "
    "documents are replaced by creating over them instead",
    "update the server when you can",
    Exit.OK,
)
BASE_FOUND = Message(
    "KB-V017",
    "mirror {mirror}: knowledge base {base} ({id}), {documents} documents",
    exit=Exit.OK,
)
BASE_TO_MAKE = Message(
    "KB-V018",
    "mirror {mirror}: knowledge base {base} is made by the first apply",
    exit=Exit.OK,
)

# Files.

FILE_EXISTS = Message(
    "KB-V019",
    "{path} exists already and was left as it is",
    "check it with: kbsync -c {config} validate",
    Exit.USAGE,
)
CANNOT_WRITE = Message("KB-V020", "{path} cannot be written: {why}", "name another path")
CANNOT_READ = Message("KB-V021", "{path} cannot be read: {why}", "check the path and its rights")

# The embedded knowledge base.

EMBEDDED_EXTRA = Message(
    "KB-V022",
    "the embedded knowledge base needs packages that are not installed ({missing})",
    "pip install 'kbsync[embedded]'",
    Exit.USAGE,
)
EMBEDDED_STORE = Message(
    "KB-V023",
    "the embedded knowledge base cannot be used: {why}",
    "stop the process that has it open, or set server.embedded.data to another file",
    Exit.REFUSED,
)
CANNOT_SERVE = Message(
    "KB-V024",
    "the server cannot start: {why}",
    "see the options with: kbsync serve --help",
)
KEY_NOT_GIVEN = Message(
    "KB-V025",
    "the server needs an API key to accept, and none was given",
    "give it with --api-key-file FILE or in the variable KBSYNC_SERVE_KEY",
    Exit.USAGE,
)
KEY_TWICE = Message(
    "KB-V026",
    "the API key is given both by --api-key and by --api-key-file",
    "type the command again with one of them",
    Exit.USAGE,
)
BAD_KEY = Message(
    "KB-V027",
    "the API key from {origin} is empty, or has spaces or characters beyond ASCII",
    "choose a key of printable ASCII characters without spaces",
    Exit.USAGE,
)
NOT_LOOPBACK = Message(
    "KB-V028",
    "{host} can be reached from other machines, and the server has neither encryption nor accounts",
    "if you want that, type the command again with: --allow-remote",
    Exit.USAGE,
)

# The demonstration.

DEMO_NOT_EMPTY = Message(
    "KB-V029",
    "{path} is not empty; the demonstration writes into an empty folder only",
    "type the command again without --dir, or with a new folder",
    Exit.USAGE,
)
DEMO_FAILED = Message(
    "KB-V030",
    "the demonstration failed: {what}",
    "look at what it left in: {path}",
)

# What the command line names.

NO_SUCH_SERVER = Message(
    "KB-V901",
    "the configuration declares no server {server}; it has {known}",
    "kbsync kb list --server NAME, with one of those",
    Exit.USAGE,
)
NO_SUCH_MIRROR = Message(
    "KB-V902",
    "the configuration declares no mirror {mirror}; it has {known}",
    "kbsync plan NAME, with one of those",
    Exit.USAGE,
)
NO_SUCH_PATH = Message(
    "KB-V903",
    "no mirror has a source that holds {path}",
    "kbsync explain PATH, relative to a source or absolute",
    Exit.USAGE,
)
NOTHING_TO_RETRY = Message(
    "KB-V904",
    "nothing that failed or was refused matches {path}, and no document in sync is called so",
    "kbsync status --failed",
    Exit.USAGE,
)

# Mirrors the ledger knows.

BAD_MIRROR_NAME = Message(
    "KB-V060",
    "no mirror can be called {mirror}: a name is 1 to 64 of a-z, 0-9, dot, dash and underscore, "
    "the first a letter or digit",
    "type the command again with another name",
    Exit.USAGE,
)
RENAME_IN_FILE = Message(
    "KB-V061",
    "{file} does not declare a mirror {new} yet",
    "write `name: {new}` where it says `name: {old}`, then: kbsync plan",
    Exit.OK,
)
SERVER_LEFT = Message(
    "KB-V062",
    "the configuration declares no server {server}, where the documents of mirror {mirror} are",
    "declare it under `servers` again, or leave them there with: kbsync mirror forget {mirror}",
    Exit.USAGE,
)
MIRROR_ORPHANED = Message(
    "KB-V063",
    "mirror {mirror} is not in the configuration any more; its {documents} documents in {base} at "
    "{server} are kept",
    "delete them with: kbsync mirror destroy {mirror}, or leave them there with: "
    "kbsync mirror forget {mirror}",
    Exit.OK,
)
MIRROR_RENAMED = Message(
    "KB-V064",
    "mirror {old} is not in the configuration any more; the new mirror {new} has its folder, but "
    "not its {documents} documents",
    "if it is the same mirror: kbsync mirror rename {old} {new}",
    Exit.OK,
)
DESTROY_CHANGED = Message(
    "KB-V067",
    "the documents of mirror {mirror} changed after you agreed; none was deleted",
    "type the command again: kbsync mirror destroy {mirror}",
)
STALE_CHANGED = Message(
    "KB-V140",
    "other documents are stale now than when you agreed; nothing was done",
    "type the command again: kbsync apply --prune-stale",
)
SOURCE_MOVED = Message(
    "KB-V065",
    "mirror {mirror}: the source was {old} at the last pass and is {new} now; files are compared "
    "by their content",
    "look before you apply: kbsync plan {mirror}",
    Exit.OK,
)
SERVER_MOVED = Message(
    "KB-V066",
    "mirror {mirror}: the server was {old} at the last pass and is {new} now; its knowledge base "
    "is looked for there by its id",
    "look before you apply: kbsync plan {mirror}",
    Exit.OK,
)
NAMES_NOT_UTF8 = Message(
    "KB-V160",
    "file names are read as {encoding} here, so the same folder would hold other files",
    "export PYTHONUTF8=1, then type the command again",
    Exit.USAGE,
)
OUTPUT_LOST = Message(
    "KB-V188",
    "{stream} cannot be written ({why}), so what was asked for is not shown",
    "see what is left on the disk with: " + shell("df -h"),
)
OUTPUT_GOES_ON = Message(
    "KB-V189",
    "{stream} cannot be written any more ({why}); the work goes on, and what it says is lost",
    "see what was done with: " + verb("history"),
    Exit.OK,
)
TIME_OVER = Message(
    "KB-V190",
    "it took longer than the {seconds} s of --wait: {why}",
    "see what is under way with: " + verb("status"),
    Exit.INDEXING,
)
PASS_OVER = Message(
    "KB-V191",
    "the time of --wait is over: nothing more is begun, and what was sent is indexed all the same",
    "go on with: " + verb("apply -- {mirror}"),
    Exit.INDEXING,
)
NOT_BEGUN = Message(
    "KB-V192",
    "the time of --wait was over before its turn came",
    "go on with: " + verb("apply -- {mirror}"),
    Exit.INDEXING,
)
