"""Messages about plan and engine: codes KB-E001 and up, never re-used."""

from kbsync.messages import Exit, Message, verb

HELD_PENDING_CREATE = Message(
    "KB-E001",
    "the last upload of {path} got no answer and no document of it is there yet; "
    "the server may still be working on it",
    "wait until the ambiguity_window is over, then: " + verb("apply"),
    Exit.INCOMPLETE,
)
HELD_PENDING_UPDATE = Message(
    "KB-E002",
    "the last update of {path} got no answer; waiting until the server is done with it",
    "wait until the ambiguity_window is over, then: " + verb("apply"),
    Exit.INCOMPLETE,
)
HELD_EXCLUDED = Message(
    "KB-E003",
    "{path} is excluded by the filters now; its document is kept",
    "to delete such documents: " + verb("apply --prune-excluded"),
    Exit.INCOMPLETE,
)
HELD_STALE = Message(
    "KB-E140",
    "{path} is not sent any more ({reason}); its document still holds, and search still finds, "
    "what the file held before",
    "mend the file, or take its old text out of search with: " + verb("apply --prune-stale"),
    Exit.INCOMPLETE,
)
HELD_STALE_REFUSED = Message(
    "KB-E141",
    "the server refused {path} as it is now: {reason}; its document still holds, and search still "
    "finds, what the file held before",
    "mend the file, or try it again with: "
    + verb("retry --mirror {mirror} -- {path}")
    + "; or take its old text out of search with: "
    + verb("apply --prune-stale"),
    Exit.INCOMPLETE,
)
HELD_STALE_UNREADABLE = Message(
    "KB-E142",
    "{path} cannot be read ({reason}), so its document may hold what the file held before; it is "
    "kept, as nothing proves that",
    "let the user of kbsync read it, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
HELD_NOT_LISTED = Message(
    "KB-E004",
    "{path} is new, and its name was not looked up at the server yet",
    verb("plan"),
    Exit.INCOMPLETE,
)
HELD_INDEXING = Message(
    "KB-E005",
    "the server is still indexing {path}",
    verb("apply"),
    Exit.INDEXING,
)
HELD_OPERATOR = Message(
    "KB-E006",
    "the document of {path} is {readiness} at the server, and not by kbsync; it is left as it is",
    verb("docs {switch} -- {base} {document}"),
    Exit.INCOMPLETE,
)
HELD_REJECTED = Message(
    "KB-E007",
    "the server refused {path}: {reason}; it is tried again when the file or its settings change",
    verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
HELD_BACK_OFF = Message(
    "KB-E008",
    "try {failures} failed: {reason}; the daemon or a later apply tries again",
    verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
HELD_DRIFT = Message(
    "KB-E009",
    "the document of {path} was changed at the server; on_drift is `report`",
    "set on_drift: repair for the mirror, or edit the file, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
HELD_KEPT = Message(
    "KB-E010",
    "{path} is gone and its document is kept: the mirror does not prune",
    "set prune: true for the mirror, then: " + verb("plan"),
    Exit.OK,
)
CONFLICT_FOREIGN_NAME = Message(
    "KB-E011",
    "a document named {name} that kbsync did not make is in the knowledge base; "
    "an upload of {path} would write over it",
    "rename or delete it there, or set a prefix, or if it is of this file: "
    + verb("adopt --dry-run -- {mirror}")
    + "; see it with: "
    + verb("docs get -- {base} {document}"),
    Exit.INCOMPLETE,
)
CONFLICT_EDITED_THERE = Message(
    "KB-E012",
    "{path} was deleted here, but its document was changed at the server since",
    "bring the file back, or: " + verb("docs delete -- {base} {document}"),
    Exit.INCOMPLETE,
)
CONFLICT_OTHER_WRITER = Message(
    "KB-E013",
    "the document of {path} was repaired {repairs} times in 24 hours and changed again: "
    "another writer changes this knowledge base",
    verb("history -- {path}"),
    Exit.INCOMPLETE,
)
CONFLICT_OTHER_ID = Message(
    "KB-E014",
    "the upload of {path} was answered with document {document}, not with the one it was meant "
    "for: that one was deleted meanwhile, and another writer may have made this one",
    verb("docs get -- {base} {document}"),
    Exit.INCOMPLETE,
)
FAILED_NO_CHUNKS = Message(
    "KB-E015",
    "the server says that {path} is indexed, but it has no chunks, so no search can find it",
    verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
FAILED_INCOMPLETE_CHUNKS = Message(
    "KB-E016",
    "the server says that {path} is indexed, but only {completed} of {total} chunks are searchable",
    verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
FAILED_UNFINDABLE = Message(
    "KB-E110",
    "the server says that {path} is indexed, but searches do not find it, and to disable and "
    "enable its document did not help",
    "send it again with: " + verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
LEFT_DISABLED = Message(
    "KB-E111",
    "the document of {path} was disabled by kbsync, because to enable it again makes it findable; "
    "the server refuses to enable it: {reason}",
    verb("docs enable -- {base} {document}"),
    Exit.INCOMPLETE,
)
HELD_PENDING_SWITCH = Message(
    "KB-E112",
    "the call that disables the document of {path} for a moment, so that searches find it again, "
    "got no answer; waiting until it cannot come any more",
    "wait until the ambiguity_window is over, then: " + verb("apply"),
    Exit.INCOMPLETE,
)
FAILED_OLD_CHUNKS = Message(
    "KB-E071",
    "the server indexed {path}, but left chunks of its earlier text beside the new ones",
    "send it again with: " + verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
FAILED_INDEXING = Message(
    "KB-E017",
    "the server could not index {path}: {reason}",
    verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
BASE_GONE = Message(
    "KB-E018",
    "the knowledge base {base} ({id}) that mirror {mirror} is tied to is not there (or not for "
    "this key); nothing was changed",
    "see what this key sees with: "
    + verb("kb list")
    + "; if the base was deleted for good: "
    + verb("mirror forget -- {mirror}"),
    Exit.REFUSED,
)
BASE_REPLACED = Message(
    "KB-E019",
    "the name {base} now belongs to knowledge base {id}, but mirror {mirror} is tied to {bound}; "
    "nothing was changed",
    "name the base by its id under knowledge_base, or start afresh with: "
    + verb("mirror forget -- {mirror}"),
    Exit.REFUSED,
)
BASE_MODE = Message(
    "KB-E020",
    "the knowledge base {base} is of mode `{mode}`, which takes no documents by this API",
    "name another knowledge_base for mirror {mirror} (one that is not there yet is made), then: "
    + verb("validate"),
    Exit.REFUSED,
)
BASE_AMBIGUOUS = Message(
    "KB-E021",
    "{count} knowledge bases are named {base}",
    "set knowledge_base: {{id: …}} for mirror {mirror} to one of: " + verb("kb list"),
    Exit.REFUSED,
)
CALL_FAILED = Message(
    "KB-E022",
    "{what} of mirror {mirror} failed: {reason}",
    verb("validate"),
    Exit.FAULT,
)
CALL_AMBIGUOUS = Message("KB-E023", "the server did not answer: {reason}")
ACTION_FAILED = Message(
    "KB-E024",
    "{action} of {path} failed: {reason}",
    verb("apply"),
    Exit.INCOMPLETE,
)
BASE_FORM = Message(
    "KB-E025",
    "the knowledge base {base} holds documents of form {has}, but mirror {mirror} declares {wants}",
    "set chunking of mirror {mirror} to fit, or choose another knowledge_base, then: "
    + verb("validate"),
    Exit.REFUSED,
)
MIRROR_MOVED_BASE = Message(
    "KB-E027",
    "mirror {mirror} is tied to knowledge base {bound} at {server}, but the configuration names "
    "{base}; nothing was changed",
    "put the old one back, or leave it with: "
    + verb("mirror forget -- {mirror}")
    + " (its documents stay); or: "
    + verb("mirror destroy -- {mirror}"),
    Exit.REFUSED,
)
SOURCE_BLOCKED = Message(
    "KB-E029",
    "the source of mirror {mirror} could not be listed: {reason}; none of its documents is removed",
    "{following}, then: " + verb("validate"),
    Exit.INCOMPLETE,
)
BASE_REMADE = Message(
    "KB-E060",
    "the knowledge base {bound} that mirror {mirror} is tied to is not there, and another one, "
    "{id}, has its name {base}; nothing was changed",
    "if it was made anew on purpose: " + verb("mirror forget -- {mirror}") + " && " + verb("plan"),
    Exit.REFUSED,
)
MIRROR_MOVED_SERVER = Message(
    "KB-E061",
    "mirror {mirror} is tied to knowledge base {bound} ({id}) at {server}, which is not there "
    "under {here}; nothing was changed",
    "put the old address back, or start afresh with: " + verb("mirror forget -- {mirror}"),
    Exit.REFUSED,
)
NOT_MARKED = Message(
    "KB-E050",
    "the mark of {path} was written twice and did not come back from the server: it would not be "
    "found if the ledger were lost",
    "keep a copy of the ledger meanwhile, and try again with: " + verb("apply"),
    Exit.INCOMPLETE,
)
MARKS_UNSUPPORTED = Message(
    "KB-E051",
    "the server of mirror {mirror} has no document metadata: only the ledger knows which documents "
    "kbsync made",
    "keep a copy of the ledger, such as: " + verb("ledger backup ledger.backup.db"),
)
OTHER_KBSYNC = Message(
    "KB-E052",
    "another kbsync took mirror {mirror} over: documents in its knowledge base {base} have the "
    "mark of another ledger; nothing was changed",
    "stop the other one, then take the documents back without an upload: "
    + verb("mirror forget -- {mirror}")
    + " && "
    + verb("apply -- {mirror}"),
    Exit.REFUSED,
)
ACTION_REFUSED = Message(
    "KB-E062",
    "{action} of {path} was refused: {reason}",
    "{hint}; it is tried again when the file changes, or by: "
    + verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
BASE_UNKNOWN = Message(
    "KB-E063",
    "the knowledge base {id} that mirror {mirror} declares is not there (or not for this key)",
    "see what this key sees with: " + verb("kb list"),
    Exit.REFUSED,
)
UPDATE_UNPROVEN = Message(
    "KB-E070",
    "mirror {mirror}: the first update on this server (version {version}) has not ended for "
    "{minutes} minutes; {count} other updates wait for it",
    "see whether the server's indexing worker is stuck with: " + verb("doctor"),
    Exit.INCOMPLETE,
)
HELD_STILL = Message(
    "KB-E120",
    "indexing of {path} has not moved since {since}; it is sent again by itself once it is known "
    "that the server lost its task",
    verb("apply"),
    Exit.INDEXING,
)
WORKER_STANDS = Message(
    "KB-E121",
    "mirror {mirror}: nothing of what {server} was sent has moved since {since}, and neither has "
    "what was sent later to see: its indexing worker does not run, or works for others",
    "start the server's worker again (what it lost is sent again by itself), then: "
    + verb("doctor"),
    Exit.INDEXING,
)
WAITS_FOR_CALL = Message(
    "KB-E122",
    "the upload of {path} sent at {sent} got no answer and may still land: waiting for it until "
    "{until}",
    "it goes on by itself then (ambiguity_window); to see it: "
    + verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
SERVER_PAUSES = Message(
    "KB-E188",
    "mirror {mirror}: {server} asked for a pause: no call is made before {until}",
    "it goes on by itself then; to call less often, set requests_per_minute for the server, then: "
    + verb("validate"),
    Exit.INDEXING,
)
NOTHING_MOVES = Message(
    "KB-E189",
    "mirror {mirror}: nothing of what {server} is to index ({count} documents) has moved since "
    "{since}; its indexing worker may not run, or works for others",
    "see whether it indexes at all with: " + verb("doctor"),
    Exit.INDEXING,
)
KEYS_WAIT = Message(
    "KB-E190",
    "mirror {mirror}: {count} files wait for another try at {server}, the next at {until}",
    "it goes on by itself then; to see what was tried: " + verb("history"),
    Exit.INDEXING,
)
ANSWER_WAITS = Message(
    "KB-E191",
    "{what} is waited for from {server} since {since} (tries: {tries}); {state}",
    "see what it answers with: " + verb("doctor"),
    Exit.INDEXING,
)
COMPARING = Message(
    "KB-E192",
    "mirror {mirror}: its files are still read and compared",
    "it goes on by itself; to see where its files are stored: " + verb("doctor --offline"),
    Exit.INDEXING,
)
HELD_CREATES = Message(
    "KB-E123",
    "mirror {mirror}: its knowledge base takes no new documents since {since}: {reason}; new files "
    "wait, updates and deletions go on; one is tried again at {probe} and after every deletion",
    "to try it now: " + verb("apply -- {mirror}"),
    Exit.INCOMPLETE,
)
HELD_UPLOADS = Message(
    "KB-E124",
    "mirror {mirror}: its knowledge base takes no uploads since {since}: {reason}; what is to be "
    "sent waits, deletions go on; one file is tried again at {probe}",
    "to try it now: " + verb("apply -- {mirror}"),
    Exit.INCOMPLETE,
)
BASE_PIPELINE = Message(
    "KB-E080",
    "kbsync cannot use the knowledge base {base}, which has a pipeline: {reason}",
    "{hint}; or name a knowledge_base without a pipeline for mirror {mirror} (one that is not "
    "there yet is made), then: " + verb("validate"),
    Exit.REFUSED,
)
PIPELINE_DECIDES = Message(
    "KB-E081",
    "mirror {mirror}: the pipeline of the knowledge base {base} makes its chunks, so that chunking "
    "has no effect there; a change of it still sends every file again",
    "leave chunking of mirror {mirror} as it is, then: " + verb("plan"),
    Exit.OK,
)
FAILED_READING = Message(
    "KB-E150",
    "the server cannot read {path}: {reason}",
    verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
FAILED_NO_TEXT = Message(
    "KB-E151",
    "the server found no text in {path}, so no search can find it; {hint}",
    verb("explain --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
HELD_UNREADABLE = Message(
    "KB-E152",
    "{reason}; it is sent again when the file or its settings change",
    "mend or exclude the file, then: " + verb("plan"),
    Exit.INCOMPLETE,
)
HELD_FAILED = Message(
    "KB-E170",
    "{reason}; it is tried again when the file or its settings change",
    verb("retry --mirror {mirror} -- {path}"),
    Exit.INCOMPLETE,
)
CHUNKS_NOT_ADDED = Message(
    "KB-E280",
    "the server did not add {count} of the chunks it was sent",
    "look into the server's log; see whether it can index: " + verb("doctor"),
    Exit.INCOMPLETE,
)
WITHOUT_CHUNKS = frozenset(each.code for each in (FAILED_NO_CHUNKS, FAILED_NO_TEXT))
"""Failures of documents that the server completed without a chunk."""
OF_THE_FILE = WITHOUT_CHUNKS | {FAILED_READING.code}
"""Failures that the same bytes end in however often they are sent: to try again is no advice."""
METADATA_UNUSABLE = Message(
    "KB-E260",
    "the metadata of {path} cannot be written: {cause}; its document keeps what it has",
    "correct what is declared; where it comes from: " + verb("explain -- {path}"),
    Exit.INCOMPLETE,
)
FIELD_OF_OTHER_TYPE = Message(
    "KB-E261",
    "the metadata field {field} of {path} is not written: its value is a {wanted}, and the "
    "knowledge base has the field as {found}",
    "declare a {found}, or delete the field at the server; where the value comes from: "
    + verb("explain -- {path}"),
    Exit.INCOMPLETE,
)
FIELD_REFUSED = Message(
    "KB-E262",
    "the metadata field {field} of {path} is not written: the server does not make it: {reason}",
    "declare another field; where this one comes from: " + verb("explain -- {path}"),
    Exit.INCOMPLETE,
)
METADATA_NOT_STORED = Message(
    "KB-E263",
    "metadata of {path} was written twice and did not come back from the server: {fields}",
    "see what is declared: " + verb("explain -- {path}") + "; try again with: " + verb("apply"),
    Exit.INCOMPLETE,
)
METADATA_UNSUPPORTED = Message(
    "KB-E264",
    "mirror {mirror} declares metadata of documents, and its server has none: none is written",
    "take it out of the configuration, or move to Dify 1.1.1 or newer, then: " + verb("plan"),
)
SWITCH_UNSUPPORTED = Message(
    "KB-E265",
    "mirror {mirror} declares which documents searches look at, and its server cannot switch "
    "documents: all are looked at",
    "take `enabled` out of the configuration, or move to Dify 1.5.0 or newer, then: "
    + verb("plan"),
)
WAITS_FOR_SWITCH = Message(
    "KB-E266",
    "{path} cannot be switched yet: the server locks a document for ten minutes at most after a "
    "switch",
    "it is tried again by itself; see: " + verb("status"),
    Exit.INCOMPLETE,
)
