"""Messages about the verbs: codes KB-V001 and up, never re-used."""

from kbsync.messages import Exit, Message, again, shell, verb

# What a command has to name.

SERVER_NOT_NAMED = Message(
    "KB-V001",
    "the configuration has several servers, and the command names none: {known}",
    "say which one, for example: " + again("--server {first}"),
    Exit.USAGE,
)

# What the server has to have.

NO_SUCH_BASE = Message(
    "KB-V002",
    "the server has no knowledge base called {base}",
    "see which there are with: " + verb("kb list"),
    Exit.REFUSED,
)
SEVERAL_BASES = Message(
    "KB-V003",
    "the server has several knowledge bases called {base}: {ids}",
    "name one of them by its id; see: " + verb("kb list"),
    Exit.REFUSED,
)
NO_SUCH_DOCUMENT = Message(
    "KB-V004",
    "the knowledge base has no document called {document}",
    "see which there are with: " + verb("docs list --all -- {base}"),
)
SEVERAL_DOCUMENTS = Message(
    "KB-V005",
    "the knowledge base has several documents called {document}: {ids}",
    "name one of them by its id; see: " + verb("docs list --all -- {base}"),
)
NO_SUCH_FIELD = Message(
    "KB-V006",
    "the knowledge base has no metadata field called {field}",
    "see which there are with: " + verb("kb fields -- {base}"),
)
NOT_THERE = Message(
    "KB-V007",
    "{call}: the server has nothing with that id",
    "see what there is with: " + verb("kb list"),
)
BASE_UNMADE = Message(
    "KB-V008",
    "mirror {mirror}: there is no knowledge base {base} yet",
    "make and fill it with: " + verb("apply"),
    Exit.REFUSED,
)

# Calls that did not succeed.

RESTING = Message(
    "KB-V009",
    "{call}: the server got too many calls and asks to wait {seconds} s",
    shell("sleep {seconds}") + " && " + again(),
)
STILL_INDEXING = Message(
    "KB-V010",
    "{document} is not indexed after {seconds} s; its status is {status}",
    "look again with: " + verb("docs get -- {base} {id}"),
    Exit.INDEXING,
)
INDEXING_FAILED = Message(
    "KB-V011",
    "{document} could not be indexed: {words}",
    "see what the server has of it with: " + verb("docs get -- {base} {id}"),
)
NOT_STORED = Message(
    "KB-V012",
    "the server took the values of {document}, but did not store: {names}",
    "see what it has with: " + verb("docs get -- {base} {document}"),
)
NEEDS_YES = Message(
    "KB-V013",
    "{question} The question cannot be asked here: standard input is not a terminal",
    "if you are sure: " + again("--yes"),
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
SERVER_OF_DAEMON = Message(
    "KB-V193",
    "server {server}: the embedded knowledge base {path} is open in the daemon (process {pid})",
    exit=Exit.OK,
)
UPDATES_WEDGE = Message(
    "KB-V016",
    "server {server}: in version {version} an update stops the indexing worker for ever; "
    "documents are replaced by creating over them instead",
    "update the server when you can, then: " + verb("validate"),
    Exit.OK,
)
BASE_FOUND = Message(
    "KB-V017",
    "mirror {mirror}: knowledge base {base} ({id}), {documents} documents",
    exit=Exit.OK,
)
BASE_DIFFERS = Message(
    "KB-V220",
    "mirror {mirror}: the {setting} of the knowledge base {base} is not as declared: {before}; "
    "declared: {after}",
    verb("plan -- {mirror}"),
    Exit.OK,
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
    "check it with: " + verb("-c {path} validate"),
    Exit.USAGE,
)
CANNOT_WRITE = Message(
    "KB-V020",
    "{path} cannot be written: {why}",
    "name another path, or check the rights of its folder: " + shell("ls -ld -- {folder}"),
)
CANNOT_READ = Message(
    "KB-V021",
    "{path} cannot be read: {why}",
    "check the path and its rights: " + shell("ls -l -- {path}"),
)

# The embedded knowledge base.

EMBEDDED_EXTRA = Message(
    "KB-V022",
    "the embedded knowledge base needs packages that are not installed ({missing})",
    "install them with: " + shell("{installer} {packages}"),
    Exit.USAGE,
)
EMBEDDED_STORE = Message(
    "KB-V023",
    "the embedded knowledge base cannot be used: {why}",
    "stop the process that has it open, or set server.embedded.data to another file, then: "
    + verb("validate"),
    Exit.REFUSED,
)
CANNOT_SERVE = Message(
    "KB-V024",
    "the server cannot start: {why}",
    "see the options with: " + verb("serve --help"),
)
KEY_NOT_GIVEN = Message(
    "KB-V025",
    "the server needs an API key to accept, and none was given",
    "give it with --api-key-file, or type it unseen and go on with: "
    + shell("read -rs KBSYNC_SERVE_KEY && export KBSYNC_SERVE_KEY")
    + " && "
    + again(),
    Exit.USAGE,
)
KEY_TWICE = Message(
    "KB-V026",
    "the API key is given both by --api-key and by --api-key-file",
    "give it in one of these ways alone; see: " + verb("serve --help"),
    Exit.USAGE,
)
BAD_KEY = Message(
    "KB-V027",
    "the API key from {origin} is empty, or has spaces or characters beyond ASCII",
    "choose a key of printable ASCII characters without spaces; see: " + verb("serve --help"),
    Exit.USAGE,
)
NOT_LOOPBACK = Message(
    "KB-V028",
    "{host} can be reached from other machines, and the server has neither encryption nor accounts",
    "if you want that: " + again("--allow-remote"),
    Exit.USAGE,
)

# The demonstration.

DEMO_NOT_EMPTY = Message(
    "KB-V029",
    "{path} is not empty; the demonstration writes into an empty folder only",
    "name a new folder with --dir, or none: " + verb("demo"),
    Exit.USAGE,
)
DEMO_FAILED = Message(
    "KB-V030",
    "the demonstration failed: {what}",
    "look at what it left: " + shell("ls -la -- {path}"),
)

# What the command line names.

NO_SUCH_SERVER = Message(
    "KB-V901",
    "the configuration declares no server {server}; it has {known}",
    "see which there are with: " + verb("validate"),
    Exit.USAGE,
)
NO_SUCH_MIRROR = Message(
    "KB-V902",
    "the configuration declares no mirror {mirror}; it has {known}",
    "see which there are with: " + verb("status"),
    Exit.USAGE,
)
NO_SUCH_PATH = Message(
    "KB-V903",
    "no mirror has a source that holds {path}",
    "name it relative to a source, or absolute; the sources are shown by: " + verb("status"),
    Exit.USAGE,
)
NOTHING_TO_RETRY = Message(
    "KB-V904",
    "nothing that failed or was refused matches {path}, and no document in sync is called so",
    verb("status --failed"),
    Exit.USAGE,
)

# Mirrors the ledger knows.

BAD_MIRROR_NAME = Message(
    "KB-V060",
    "no mirror can be called {mirror}: a name is 1 to 64 of a-z, 0-9, dot, dash and underscore, "
    "the first a letter or digit",
    "choose another name; see: " + verb("mirror rename --help"),
    Exit.USAGE,
)
RENAME_IN_FILE = Message(
    "KB-V061",
    "{file} does not declare a mirror {new} yet",
    "write `name: {new}` where it says `name: {old}`, then: " + verb("plan"),
    Exit.OK,
)
SERVER_LEFT = Message(
    "KB-V062",
    "the configuration declares no server {server}, where the documents of mirror {mirror} are",
    "declare it under `servers` again, or leave them there with: "
    + verb("mirror forget -- {mirror}"),
    Exit.USAGE,
)
MIRROR_ORPHANED = Message(
    "KB-V063",
    "mirror {mirror} is not in the configuration any more; its {documents} documents in {base} at "
    "{server} are kept",
    "leave them there with: "
    + verb("mirror forget -- {mirror}")
    + "; or delete them with: "
    + verb("mirror destroy -- {mirror}"),
    Exit.OK,
)
MIRROR_RENAMED = Message(
    "KB-V064",
    "mirror {old} is not in the configuration any more; the new mirror {new} has its folder, but "
    "not its {documents} documents",
    "if it is the same mirror: " + verb("mirror rename -- {old} {new}"),
    Exit.OK,
)
DESTROY_CHANGED = Message(
    "KB-V067",
    "the documents of mirror {mirror} changed after you agreed; none was deleted",
    "look what there is with: " + verb("status") + "; then: " + verb("mirror destroy -- {mirror}"),
)
STALE_CHANGED = Message(
    "KB-V140",
    "other documents are stale now than when you agreed; nothing was done",
    "see them with: " + verb("status --failed") + "; then: " + verb("apply --prune-stale"),
)
SOURCE_MOVED = Message(
    "KB-V065",
    "mirror {mirror}: the source was {old} at the last pass and is {new} now; files are compared "
    "by their content",
    "look before you apply: " + verb("plan -- {mirror}"),
    Exit.OK,
)
SERVER_MOVED = Message(
    "KB-V066",
    "mirror {mirror}: the server was {old} at the last pass and is {new} now; its knowledge base "
    "is looked for there by its id",
    "look before you apply: " + verb("plan -- {mirror}"),
    Exit.OK,
)
NAMES_NOT_UTF8 = Message(
    "KB-V160",
    "file names are read as {encoding} here, so the same folder would hold other files",
    shell("export PYTHONUTF8=1") + " && " + again(),
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
EXPORT_TIME_OVER = Message(
    "KB-V240",
    "it took longer than the {seconds} s of --wait: {why}; what was exported stays",
    "go on with: " + again(),
    Exit.INDEXING,
)
TEXT_CUT_OFF = Message(
    "KB-V241",
    "the server gives out only {stored} of the {expected} characters of the text, and has no chunk "
    "of it",
    "see what it has of the document with: " + verb("docs get -- {base} {document}"),
    Exit.INCOMPLETE,
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

# What was typed.

VERB_MEANT = Message(
    "KB-V380",
    "there is no verb {typed}: kbsync {words} does that",
    verb("{meant}"),
    Exit.USAGE,
)
VERB_NEAR = Message(
    "KB-V381",
    "there is no verb {typed}; the nearest is {words}",
    verb("{meant}"),
    Exit.USAGE,
)
NO_SUCH_VERB = Message(
    "KB-V382",
    "there is no verb {typed}; there are {known}",
    "see what each does with: " + verb("{asking}"),
    Exit.USAGE,
)
OPTION_MEANT = Message(
    "KB-V383",
    "there is no option {option} of {verb}: kbsync {words} does that",
    verb("{meant}"),
    Exit.USAGE,
)
PATH_NOT_THERE = Message(
    "KB-V384",
    "there is nothing at {path}; documents of files that are gone are planned by a pattern",
    "if it was deleted or renamed: " + verb("plan --target {pattern} -- {mirror}"),
    Exit.USAGE,
)
PATHS_OF_SEVERAL = Message(
    "KB-V385",
    "paths of one mirror are wanted, or mirrors, and not: {words}",
    "plan one mirror after the other, for example: " + verb("plan -- {first}"),
    Exit.USAGE,
)
NOTHING_KNOWN = Message(
    "KB-V386",
    "nothing is known of {path}: mirror {mirror} has no such file, ledger entry or document",
    "name it as it is below the source; what the ledger knows of others: " + verb("history"),
    Exit.USAGE,
)
CLUSTER_EXTRA = Message(
    "KB-V480",
    "the roles of a cluster need packages that are not installed ({missing})",
    "install them with: " + shell("{installer} {packages}"),
    Exit.USAGE,
)
ROLES_CONTRADICT = Message(
    "KB-V481",
    "--role all is one process without a cluster: it goes with no other role, and roles of a "
    "cluster need no --standby, as each may have many processes",
    "choose one of both; the roles: " + verb("run --help"),
    Exit.USAGE,
)
