"""Messages of `kbsync export`: codes KB-X240 and up, never re-used."""

from kbsync.messages import Exit, Message, again, shell, verb

# What keeps an export from being made.

FOLDER_UNUSABLE = Message(
    "KB-X240",
    "{folder} cannot be exported to: {why}",
    "name another folder, or check the rights of this one: " + shell("ls -ld -- {folder}"),
)
STATE_UNUSABLE = Message(
    "KB-X241",
    "{file}, where the export keeps what it wrote, cannot be used: {why}",
    "remove it, then everything is compared once more: " + shell("rm -- {file}"),
)

# What of a document was not exported.

FILE_DIFFERS = Message(
    "KB-X242",
    "{path} holds something that this export did not write, and was left as it is",
    "move it away, for example: "
    + shell("mv -- {path} {path}.mine")
    + ", then go on with: "
    + again(),
    Exit.INCOMPLETE,
)
FILE_UNWRITABLE = Message(
    "KB-X243",
    "{path} cannot be written: {why}",
    "see what stands there with: " + shell("ls -ld -- {path}") + ", then go on with: " + again(),
    Exit.INCOMPLETE,
)
CUT_SHORT = Message(
    "KB-X244",
    "the server has only {stored} of the {expected} bytes it recorded of the file",
    "see what it has of the document with: " + verb("docs get -- {base} {document}"),
    Exit.INCOMPLETE,
)
NOTHING_STORED = Message(
    "KB-X245",
    "the server gives out no file of the document, and has no chunk of it (its state is {state})",
    "see what it has of the document with: " + verb("docs get -- {base} {document}"),
    Exit.INCOMPLETE,
)
CHUNKS_MOVED = Message(
    "KB-X246",
    "the chunks of the document changed while they were read",
    "once it rests, go on with: " + again(),
    Exit.INCOMPLETE,
)
VANISHED = Message(
    "KB-X247",
    "the document was deleted at the server while the export went on",
    "compare once more with: " + again(),
    Exit.INCOMPLETE,
)

# What has to be said of the whole.

LISTING_MOVED = Message(
    "KB-X248",
    "the documents of {base} changed each time they were listed: some may be missing",
    "once it rests, go on with: " + again(),
    Exit.INCOMPLETE,
)
LEFT_OVER = Message(
    "KB-X249",
    "{count} exported files are of documents that are not in {base} any more: {files}",
    "a mirror of the folder would make them again; if they are to go: " + shell("rm -- {files}"),
    Exit.OK,
)
