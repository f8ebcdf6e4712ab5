"""Messages about taking documents over: codes KB-A001 and up, never re-used."""

from kbsync.messages import Exit, Message

# -- why a document is left as it is -------------------------------------------------------------

SEVERAL_DOCUMENTS = Message(
    "KB-A001",
    "several documents are called {name}: {documents}",
    "name the right one in a file of path,document_id: kbsync adopt --map FILE",
    Exit.INCOMPLETE,
)
SEVERAL_FILES = Message(
    "KB-A002",
    "several files are called {name}: {paths}",
    "name the right one in a file of path,document_id: kbsync adopt --map FILE",
    Exit.INCOMPLETE,
)
MARKED = Message(
    "KB-A003",
    "document {document} carries the mark of {path} of mirror {mirror}",
    "leave it to that mirror: kbsync plan {mirror}",
    Exit.INCOMPLETE,
)
NOT_STANDING = Message(
    "KB-A004",
    "document {document} is {readiness} at the server",
    "when it is available, type the command again",
    Exit.INCOMPLETE,
)
PENDING = Message(
    "KB-A005",
    "the last upload of {path} got no answer: which document is its own is not known yet",
    "kbsync apply",
    Exit.INCOMPLETE,
)
NO_SUCH_FILE = Message(
    "KB-A006",
    "{path} is no file of the mirror that is without a document",
    "kbsync explain {path}",
    Exit.INCOMPLETE,
)
NO_SUCH_DOCUMENT = Message(
    "KB-A007",
    "{document} is no document of the knowledge base that is nobody's",
    "see which there are with: kbsync docs list BASE --all",
    Exit.INCOMPLETE,
)
DOCUMENT_TWICE = Message(
    "KB-A008",
    "document {document} is named for several files: {paths}",
    "leave one of them in the map, then type the command again",
    Exit.INCOMPLETE,
)
PATH_TWICE = Message(
    "KB-A009",
    "several documents are named for {path}: {documents}",
    "leave one of them in the map, then type the command again",
    Exit.INCOMPLETE,
)
UNANSWERED = Message(
    "KB-A010",
    "document {document} may be what an upload made that got no answer",
    "kbsync apply",
    Exit.INCOMPLETE,
)

# -- what the verb cannot go on with -------------------------------------------------------------

MIRROR_UNTOLD = Message(
    "KB-A020",
    "the configuration has several mirrors: {known}",
    "say which one with: kbsync adopt NAME",
    Exit.USAGE,
)
MAP_UNTOLD = Message(
    "KB-A021",
    "--by map and --map FILE belong together",
    "type the command again with: --map FILE",
    Exit.USAGE,
)
MAP_UNREADABLE = Message(
    "KB-A022",
    "the map {file} cannot be read: {why}",
    "check its path and rights, then type the command again",
    Exit.USAGE,
)
MAP_MALFORMED = Message(
    "KB-A023",
    "the map {file}, line {line}: {why}",
    "write one `path,document_id` a line, or `path: document_id` in a .yaml file",
    Exit.USAGE,
)
OFFER_MOVED = Message(
    "KB-A025",
    "what would be taken over into mirror {mirror} is not what was agreed to any more",
    "look at it again with: kbsync adopt --dry-run",
)
LISTING_MOVED = Message(
    "KB-A024",
    "the documents of mirror {mirror} changed while they were listed",
    "when nobody writes there, type the command again",
)
