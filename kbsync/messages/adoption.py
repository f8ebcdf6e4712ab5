"""Messages about taking documents over: codes KB-A001 and up, never re-used."""

from kbsync.messages import Exit, Message, again, shell, verb

# Why a document is left as it is.

SEVERAL_DOCUMENTS = Message(
    "KB-A001",
    "several documents are called {name}: {documents}",
    "write the right pair as path,document_id into pairs.csv, then: "
    + verb("adopt --map pairs.csv -- {mirror}"),
    Exit.INCOMPLETE,
)
SEVERAL_FILES = Message(
    "KB-A002",
    "several files are called {name}: {paths}",
    "write the right pair as path,document_id into pairs.csv, then: "
    + verb("adopt --map pairs.csv -- {mirror}"),
    Exit.INCOMPLETE,
)
MARKED = Message(
    "KB-A003",
    "document {document} carries the mark of {path} of mirror {mirror}",
    "see what that mirror does with it: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
NOT_AVAILABLE = Message(
    "KB-A004",
    "document {document} is {readiness} at the server, so it cannot be taken over yet",
    "wait until it is available, then: " + again(),
    Exit.INCOMPLETE,
)
PENDING = Message(
    "KB-A005",
    "the last upload of {path} got no answer: which document is its own is not known yet",
    verb("apply"),
    Exit.INCOMPLETE,
)
NO_SUCH_FILE = Message(
    "KB-A006",
    "{path} is not a file of this mirror that has no document yet",
    verb("explain -- {path}"),
    Exit.INCOMPLETE,
)
NO_SUCH_DOCUMENT = Message(
    "KB-A007",
    "{document} is not a document of the knowledge base that is free to be taken over",
    "see which documents are free with: " + verb("status --foreign"),
    Exit.INCOMPLETE,
)
DOCUMENT_TWICE = Message(
    "KB-A008",
    "document {document} is named for several files: {paths}",
    "leave one of them in the map, then: " + again(),
    Exit.INCOMPLETE,
)
PATH_TWICE = Message(
    "KB-A009",
    "several documents are named for {path}: {documents}",
    "leave one of them in the map, then: " + again(),
    Exit.INCOMPLETE,
)
UNANSWERED = Message(
    "KB-A010",
    "document {document} may come from an upload that got no answer",
    verb("apply"),
    Exit.INCOMPLETE,
)

# Why the verb cannot go on.

MIRROR_NOT_NAMED = Message(
    "KB-A020",
    "the configuration has several mirrors, and the command names none: {known}",
    "say which one, for example: " + verb("adopt --dry-run -- {first}"),
    Exit.USAGE,
)
MAP_INCOMPLETE = Message(
    "KB-A021",
    "--by map and --map FILE have to be given together",
    "write path,document_id into a file and name it with --map; see: " + verb("adopt --help"),
    Exit.USAGE,
)
MAP_UNREADABLE = Message(
    "KB-A022",
    "the map {file} cannot be read: {why}",
    "check its path and rights: " + shell("ls -l -- {file}"),
    Exit.USAGE,
)
MAP_MALFORMED = Message(
    "KB-A023",
    "the map {file}, line {line}: {why}",
    "write one `path,document_id` a line, or `path: document_id` in a .yaml file, then: " + again(),
    Exit.USAGE,
)
OFFER_CHANGED = Message(
    "KB-A025",
    "the documents to take over into mirror {mirror} changed after you agreed; none was taken over",
    "look at it again with: " + verb("adopt --dry-run -- {mirror}"),
)
NO_BYTES = Message(
    "KB-A026",
    "the server ({version}) does not give original files out, so that contents cannot be compared; "
    "Dify does from {needed} on",
    "compare sizes instead with: " + verb("adopt --trust size -- {mirror}"),
    Exit.REFUSED,
)
LISTING_MOVED = Message(
    "KB-A024",
    "the documents of mirror {mirror} changed while they were listed",
    "wait until no other program changes them, then: " + again(),
)
NO_BYTES_OF_PIPELINE = Message(
    "KB-A027",
    "the knowledge base of mirror {mirror} has a pipeline, and Dify gives out neither the files of "
    "its documents nor their sizes, so that nothing can be compared",
    "take them over by their names alone, which sends each file once: " + verb("adopt -- {mirror}"),
    Exit.REFUSED,
)
