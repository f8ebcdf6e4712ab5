"""Messages about the source: codes KB-S001 and up, never re-used."""

from kbsync.messages import Exit, Message, shell, verb

ROOT_GONE = Message(
    "KB-S001",
    "the source folder {path} does not exist",
    "mount or restore it, then: " + verb("plan"),
)
ROOT_NO_FOLDER = Message(
    "KB-S002",
    "the source {path} is not a folder",
    "name a folder under `source`, then: " + verb("validate"),
)
FOLDER_UNREADABLE = Message(
    "KB-S003",
    "the folder cannot be listed: {cause}",
    "let the user of kbsync read it, then: " + verb("plan"),
)
FILE_UNREADABLE = Message(
    "KB-S004",
    "the file cannot be read: {cause}",
    "let the user of kbsync read it, then: " + verb("plan"),
)
TORN = Message(
    "KB-S005",
    "the file changed while it was read",
    "when it does not change any more: " + verb("plan"),
)
REFUSED_TYPE = Message(
    "KB-S006",
    "`extensions` does not have {extension}, so such files are not sent",
    "name it in `extensions` if your server takes it, or in .kbsyncignore to silence this, then: "
    + verb("plan"),
)
EMPTY = Message(
    "KB-S007",
    "the file is empty, so a knowledge base would make no chunk of it",
    "to silence this, name it in .kbsyncignore, then: " + verb("plan"),
)
TOO_LARGE = Message(
    "KB-S008",
    "the file has {size} bytes, more than the {limit} allowed",
    "split it, or raise `max_file_size` if the server allows more, then: " + verb("plan"),
)
NAME_NOT_UTF8 = Message(
    "KB-S009",
    "the name is not valid UTF-8, so no document can have it",
    "rename it, then: " + verb("plan"),
)
TWINS = Message(
    "KB-S010",
    "{count} names here differ only in how their letters are composed: {names}",
    "rename or remove all but one, then: " + verb("plan"),
)
LINK_NOT_FOLLOWED = Message(
    "KB-S011",
    "a symbolic link is not followed",
    "set `follow_symlinks: true` for the mirror to follow links inside the source, then: "
    + verb("plan"),
)
LINK_OUTSIDE = Message("KB-S012", "a symbolic link leads out of the source, so it is not followed")
LINK_LOOP = Message(
    "KB-S013", "a symbolic link leads back to a folder that contains it, so it is not followed"
)
LINK_DANGLING = Message(
    "KB-S014",
    "a symbolic link leads nowhere: {cause}",
    "correct or remove it, then: " + verb("plan"),
)
NO_FILE = Message("KB-S015", "a {kind} is not a file that can be uploaded")
IGNORE_UNREADABLE = Message(
    "KB-S016",
    "{name} cannot be read, so it is not known what it excludes: {cause}",
    "correct or remove it, then: " + verb("plan"),
)
MOVED_AWAY = Message(
    "KB-S017",
    "the folder was replaced while it was scanned",
    "when it does not change any more: " + verb("plan"),
)
NO_KEY = Message(
    "KB-S018",
    "{path} does not name a file inside the source",
    "write it relative to the source, with forward slashes; see: " + verb("explain --help"),
)
REPLACED = Message(
    "KB-S019",
    "something else is where the file was: {cause}",
    "when it does not change any more: " + verb("plan"),
)
ENCODING_UNSURE = Message(
    "KB-S150",
    "taken as {encoding}, unsure: it may be {others} as well, so it is not sent",
    "write what it is as `encoding` for its mirror, such as `encoding: {encoding}`, then: "
    + verb("plan"),
)
NOT_IN_ENCODING = Message(
    "KB-S151",
    "the text is neither UTF-8 nor {encoding}, which `encoding` names, so it is not sent",
    "add what it is written in to `encoding`, or auto as its last, then: " + verb("plan"),
)
LEFT_OUT_BY_DEFAULT = Message(
    "KB-S160",
    "{pattern} is left out by default ({made_by})",
    'to take such files, add "!{pattern}" to `exclude`, then: ' + verb("plan"),
)
OWN_FILE = Message(
    "KB-S161",
    "kbsync itself writes to this file ({what}), so each upload would change it again",
    "keep it outside of the source, then: " + verb("plan"),
)
SIDECAR = Message(
    "KB-S260",
    "it is a file of kbsync: it says what metadata the document of {file} has, and is never sent",
)
SIDECAR_BROKEN = Message(
    "KB-S261",
    "{name} cannot be used: {cause}; metadata and switch of its document stay as they are",
    "correct or remove it, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
SIDECAR_ALONE = Message(
    "KB-S262",
    "it says what metadata the document of {file} has, and there is no such file beside it",
    "rename or remove it, then: " + verb("plan"),
)
FRONT_MATTER_BROKEN = Message(
    "KB-S263",
    "the front matter cannot be used: {cause}; the metadata of its document stays as it is",
    "correct it, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
LOCKED = Message(
    "KB-S152",
    "the document needs a password, so no server can read it",
    "save it without its password, then: " + verb("plan"),
)
SCANNED = Message(
    "KB-S153",
    "the document is pictures of pages, as a scanner makes them, and has no text",
    "recognise its text (OCR), for example with ocrmypdf, then: " + verb("plan"),
)
BROKEN_DOCUMENT = Message(
    "KB-S154",
    "the file is no {kind} document that can be read: {cause}",
    "save it anew with the program it comes from, then: " + verb("plan"),
)
NO_VALUES = Message(
    "KB-S155",
    "the workbook has no values, only formulas that were never calculated or nothing at all",
    "open and save it with a spreadsheet program, then: " + verb("plan"),
)
NOT_CONVERTED = Message(
    "KB-S230",
    "the file cannot be converted: {cause}",
    "save it anew with the program it comes from, or send it another way (`send`), then: "
    + verb("plan"),
)
CONVERSION_BEYOND = Message(
    "KB-S231",
    "to convert the file takes more than {bound}, so it is not sent",
    "split it, or send it another way (`send`), then: " + verb("plan"),
)
NO_CONVERTER = Message(
    "KB-S232",
    "{kind} files are converted by packages that are not installed ({missing}), so it is not sent",
    "install them with: " + shell("{installer} {packages}"),
)
NO_CONVERSION = Message(
    "KB-S233",
    "`send: {send}` takes no {kind} files, nor does the server, so it is not sent",
    "write another `send` for it, then: " + verb("plan"),
)
NOTHING_CONVERTED = Message(
    "KB-S234",
    "nothing comes out of the file when it is converted: it has no text",
    "to silence this, name it in .kbsyncignore, then: " + verb("plan"),
)
NO_TEXT = Message(
    "KB-S235",
    "the file is no text, so it is not sent as text",
    "write another `send` for it, or its `encoding`, then: " + verb("plan"),
)
LOSES_TEXT = Message(
    "KB-S236",
    "the server deletes what stands between < and > in Markdown, and # in headings: of {count} of "
    "the files to be sent text would be lost, as of {file}",
    "to keep it, send such files as text by a rule of mirror {mirror}, such as "
    "`rules: [{{match: '*.md', send: text}}]`, then: " + verb("plan"),
)
LOSES_ROWS = Message(
    "KB-S492",
    "the server leaves out rows of a CSV file that have more cells than its first row, or takes "
    "their first cells away: of {count} of the files to be sent text would be lost, as of {file}",
    "to keep it, complete the first row, or send such files row by row by a rule of mirror "
    "{mirror}, such as `rules: [{{match: '*.csv', send: rows}}]`, then: " + verb("plan"),
)
CONVERTER_BROKEN = Message(
    "KB-S237",
    "the packages that convert {kind} files cannot be loaded, so it is not sent: {cause}",
    "install them anew with: " + shell("{installer} --force-reinstall {packages}"),
)
OF_THE_BYTES = frozenset({LOCKED, SCANNED, BROKEN_DOCUMENT, NO_VALUES})
"""Why no server can read a file, whenever it is looked at, until it has other bytes."""
