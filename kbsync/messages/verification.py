"""Messages of `kbsync verify`: codes KB-Y001 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

# What differs, document by document.

EDITED = Message(
    "KB-Y001",
    "the file changed since it was sent; its document is as it was sent",
    "see what will be sent with: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
UNKNOWN_CONTENT = Message(
    "KB-Y002",
    "what was sent is not known, and the document is not made of what the file holds now",
    "see what will be sent with: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
FILE_LEFT = Message(
    "KB-Y003",
    "the file is not there or is left out now; its document is as it was sent",
    "see what becomes of the document with: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
CHANGED = Message(
    "KB-Y004",
    "the server has {stored} bytes that are not those of the file that was sent ({expected} bytes)",
    "send it again with: " + verb("retry --mirror {mirror} -- {file}"),
    Exit.INCOMPLETE,
)
TRUNCATED = Message(
    "KB-Y005",
    "the server has only {stored} of the {expected} bytes that were sent",
    "send it again with: " + verb("retry --mirror {mirror} -- {file}"),
    Exit.INCOMPLETE,
)
CHANGED_OF_NO_FILE = Message(
    "KB-Y006",
    "the server has {stored} bytes that are not those of the file that was sent ({expected} "
    "bytes), and the file is not there any more or cannot be read now",
    "see what becomes of the document with: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
MISSING = Message(
    "KB-Y007",
    "its document {document} is not there any more",
    "make it again with: " + verb("apply -- {mirror}"),
    Exit.INCOMPLETE,
)
BYTES_LOST = Message(
    "KB-Y008",
    "its document {document} is there, but the file it was made of is not",
    "send it again with: " + verb("retry --mirror {mirror} -- {file}"),
    Exit.INCOMPLETE,
)
UNSETTLED = Message(
    "KB-Y009",
    "it is being changed right now",
    "compare it again with: " + verb("verify -- {mirror}"),
    Exit.INCOMPLETE,
)
FOREIGN = Message(
    "KB-Y010",
    "document {document} in {base} was made by no mirror",
    "delete it with: "
    + verb("docs delete -- {base_id} {document}")
    + "; or take it over with: "
    + verb("adopt -- {mirror}"),
    Exit.INCOMPLETE,
)
UNRECORDED = Message(
    "KB-Y011",
    "document {document} in {base} carries the mark of {path} of mirror {owner}, but the ledger "
    "does not know it",
    "see what becomes of it with: " + verb("plan"),
    Exit.INCOMPLETE,
)
LISTING_MOVED = Message(
    "KB-Y012",
    "the documents in {base} changed while they were listed: a foreign one may have been missed",
    "list them again with: " + verb("verify --sample 1 -- {mirror}"),
    Exit.OK,
)
SEND_AGAIN = Message(
    "KB-Y013",
    "mirror {mirror}: {count} documents are to be sent again",
    verb("retry --mirror {mirror} -- {files}"),
    Exit.INCOMPLETE,
)
UNFINDABLE = Message(
    "KB-Y110",
    "searches do not find it, though the server calls it indexed ({asked} of {chunks} chunks were "
    "asked for by their own words)",
    "send it again with: " + verb("retry --mirror {mirror} -- {file}"),
    Exit.INCOMPLETE,
)
NO_BYTES_OF_PIPELINE = Message(
    "KB-Y014",
    "the knowledge base {base} of mirror {mirror} has a pipeline, and Dify does not give out the "
    "files of its documents, so that nothing can be compared",
    "see what plainly changed there with: " + verb("plan -- {mirror}"),
    Exit.REFUSED,
)
CHUNKS_CHANGED = Message(
    "KB-Y280",
    "the server has other chunks than those that were written for the file",
    "send it again with: " + verb("retry --mirror {mirror} -- {file}"),
    Exit.INCOMPLETE,
)
