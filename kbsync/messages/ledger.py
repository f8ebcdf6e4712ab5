"""Messages about the ledger: codes KB-L001 and up, never re-used."""

from kbsync.messages import Exit, Message, shell, verb

# Where it is.

IN_MEMORY = Message(
    "KB-L001",
    "a ledger in memory would forget every upload: {place}",
    "set `ledger: ./state/ledger.db` in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
WRONG_KIND = Message(
    "KB-L002",
    "the ledger cannot be {place}: it is a file (SQLite) or a postgresql:// URL",
    "correct `ledger:` in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
BAD_URL = Message(
    "KB-L003",
    "the ledger's URL {place} cannot be read: {why}",
    "correct `ledger:` in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
IS_FOLDER = Message(
    "KB-L004",
    "the ledger {place} is a folder; it has to be a file",
    "set `ledger: {place}/ledger.db` in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
NOT_REGULAR = Message(
    "KB-L005",
    "the ledger {place} is not a regular file",
    "set `ledger:` to another file in the configuration, then: " + verb("validate"),
    Exit.USAGE,
)
NO_FOLDER = Message(
    "KB-L006",
    "the folder {folder} for the ledger cannot be made: {why}",
    "set `ledger:` to another place, or make the folder with: " + shell("mkdir -p -- {folder}"),
    Exit.USAGE,
)
NOT_WRITABLE = Message(
    "KB-L007",
    "the ledger {place} cannot be written: {why}",
    "set `ledger:` to another place, or check its owner and mount: " + shell("ls -ld -- {folder}"),
    Exit.USAGE,
)
NOT_READABLE = Message(
    "KB-L008",
    "the ledger {place} cannot be read: {why}",
    "check its owner with: " + shell("ls -l -- {place}"),
)
NO_DRIVER = Message(
    "KB-L009",
    "a ledger on PostgreSQL needs the package psycopg, which is not installed",
    "install it with: " + shell("{installer} {packages}"),
    Exit.USAGE,
)

NO_ROOM = Message(
    "KB-L197",
    "the disk of the ledger {place} has no room for it: {why}",
    "free space and names: "
    + shell("df -h -- {folder}")
    + "; "
    + shell("df -i -- {folder}")
    + "; then: "
    + verb("validate"),
)

# Opening it.

MISSING = Message(
    "KB-L020",
    "there is no ledger {place} yet: nothing was synced from here",
    "make it with: " + verb("apply"),
)
LOCKED = Message(
    "KB-L021",
    "the ledger {place} is in use by process {pid} on {host} since {since}: {command}",
    "wait until it ends or stop it; meanwhile: " + verb("status"),
)
NO_LOCK = Message(
    "KB-L022",
    "the ledger's lock file {lock} cannot be taken: {why}",
    "set `ledger:` to a place on a local disk, then: " + verb("validate"),
)
NOT_A_LEDGER = Message(
    "KB-L023",
    "the file {place} is not a database",
    "set `ledger:` to another file, or move this one away: "
    + shell("mv -n -- {place} {place}.old"),
    Exit.USAGE,
)
DAMAGED = Message(
    "KB-L024",
    "the ledger {place} is damaged: {why}",
    "restore a backup, or take documents over by their marks, without an upload: "
    + shell("mv -n -- {place} {place}.damaged")
    + " && "
    + verb("plan"),
)
OTHER_DATABASE = Message(
    "KB-L025",
    "the database {place} belongs to something else: it was not made by kbsync",
    "set `ledger:` to another place, then: " + verb("validate"),
    Exit.USAGE,
)
NEWER = Message(
    "KB-L026",
    "the ledger {place} was written by a newer kbsync (format {found}, this one knows {known})",
    "use the kbsync that wrote it; this one is: " + verb("--version"),
)
OLDER = Message(
    "KB-L027",
    "the ledger {place} is of an older format ({found}, this kbsync reads {known})",
    "bring it up to date, which keeps a copy of the old one, with: " + verb("apply"),
)
NO_WAL = Message(
    "KB-L028",
    "the disk under the ledger {place} cannot keep a write-ahead log (journal mode {mode})",
    "set `ledger:` to a place on a local disk, then: " + verb("validate"),
)
NOT_UTF8 = Message(
    "KB-L029",
    "the PostgreSQL database of the ledger {place} has the encoding {encoding}; it has to be UTF8",
    "name another one in `ledger:`, such as is made with: "
    + shell("createdb --encoding=UTF8 --template=template0 kbsync"),
    Exit.USAGE,
)
NOT_UPGRADED = Message(
    "KB-L030",
    "the ledger {place} could not be brought from format {found} to {known}: {why}",
    "the ledger is as it was; correct this, then: " + verb("apply"),
)
NO_SCHEMA = Message(
    "KB-L031",
    "the schema {schema} for the ledger {place} cannot be made: {why}",
    "as the owner of the database: " + shell("psql --dbname={database} --command={sql}"),
    Exit.USAGE,
)

# Using it.

FULL = Message(
    "KB-L040",
    "the disk of the ledger {place} is full: the last change was not recorded, all before it are",
    "free some space, then see that it goes on: "
    + shell("df -h -- {folder}")
    + " && "
    + verb("status"),
)
DISK_FAULT = Message(
    "KB-L041",
    "the disk of the ledger {place} failed: {why}",
    "see what the disk reports, then check the ledger: "
    + shell("dmesg")
    + "; "
    + verb("ledger check"),
)
BUSY = Message(
    "KB-L042",
    "the ledger {place} was kept locked by another program for {seconds} seconds",
    "close the program that has the file open: " + shell("fuser -v -- {place}"),
)
LOST = Message(
    "KB-L043",
    "the connection to the ledger {place} failed: {why}",
    "check that PostgreSQL runs and `ledger:` is right, then: " + verb("ledger check"),
)
TAKEN = Message(
    "KB-L044",
    "the document {document} cannot be recorded for {path}: "
    "the ledger has it for {other} of mirror {mirror}",
    verb("explain --mirror {mirror} -- {other}"),
)
TAKEN_OVER = Message(
    "KB-L045",
    "another kbsync wrote the ledger {place} while the connection was away",
    "stop the other one, then: " + verb("plan"),
)
FAILED = Message(
    "KB-L046",
    "the ledger {place} refused a statement: {why}",
    verb("doctor"),
)
READ_ONLY = Message(
    "KB-L047",
    "the ledger {place} was opened for reading only",
    verb("validate"),
)

# It is not there any more while kbsync has it open.

REMOVED = Message(
    "KB-L193",
    "the ledger {place} was removed while kbsync had it open: nothing more is written",
    "put a copy of it back, or begin with an empty one, which takes documents over by their marks; "
    "then restart kbsync; look first with: " + verb("doctor"),
)
REPLACED = Message(
    "KB-L194",
    "another file was put in the place of the ledger {place} while kbsync had it open: "
    "nothing more is written, and what is remembered of the old one is dropped",
    "see whether it is the right one with: " + verb("ledger check"),
)
OVERWRITTEN = Message(
    "KB-L195",
    "another program wrote over the ledger {place} while kbsync had it open: nothing more is "
    "written; the log of the old one was moved to {log}",
    "restart kbsync, then see whether the ledger is sound with: " + verb("ledger check"),
)
LOG_GONE = Message(
    "KB-L196",
    "the file {log} of the ledger {place} was removed while kbsync had it open: nothing more "
    "is written through it",
    "see whether the ledger is sound with: " + verb("ledger check"),
)
LOCK_TAKEN = Message(
    "KB-L198",
    "the lock of the ledger {place} was removed, and process {pid} on {host} holds a new one since "
    "{since} ({command}): nothing more is written here",
    "see which process holds it with: " + verb("doctor"),
)
WRITTEN_BY_ANOTHER = Message(
    "KB-L199",
    "another program wrote the ledger {place} while kbsync had it open: nothing more is "
    "written, and what is remembered of it is dropped",
    "see which process holds it with: " + verb("doctor"),
)

# Where many processes write it.

CLUSTER_AT_WORK = Message(
    "KB-L450",
    "the ledger {place} is in use by a cluster; processes at work: {count}, the first is {pid} on "
    "{host} since {since}: {command}",
    "stop them all, which loses nothing; a release of what the guard holds back needs no stop; "
    "see: " + verb("status"),
)

WRITER_AT_WORK = Message(
    "KB-L451",
    "no cluster can work on the ledger {place}: process {pid} on {host} writes it alone since "
    "{since}: {command}",
    "stop it or wait until it ends; meanwhile: " + verb("status"),
)
LEASE_TAKEN = Message(
    "KB-L452",
    "the lease of the shard {shard} of mirror {mirror} is another process's by now ({holder}): "
    "nothing more of it is written here",
    "the other one goes on with the shard; see: " + verb("status"),
)
LEASE_OVER = Message(
    "KB-L453",
    "the lease of the shard {shard} of mirror {mirror} was not renewed in time: nothing more of it "
    "is written here",
    "see whether this machine or PostgreSQL was stopped; the shard is worked again: "
    + verb("status"),
)
NEWER_CLUSTER = Message(
    "KB-L454",
    "the tables of the cluster in the ledger {place} were made by a newer kbsync "
    "(format {found}, this one knows {known})",
    "use the kbsync that made them; this one is: " + verb("--version"),
)
CLUSTER_NEEDS_POSTGRESQL = Message(
    "KB-L455",
    "a cluster needs a ledger on PostgreSQL; `ledger:` names the file {place}",
    "copy it to a database, and name that in `ledger:`; see: " + verb("ledger copy --help"),
    Exit.USAGE,
)
RELEASED_IN_CLUSTER = Message(
    "KB-L490",
    "mirror {mirror}: what was held back is released (changes: {changes}, shards: {shards}); the "
    "workers of the cluster carry it out",
    "see what becomes of it with: " + verb("status"),
    Exit.OK,
)

# Copies.

COPY_EXISTS = Message(
    "KB-L060",
    "the copy {copy} is already there",
    "name another file, or keep that one under another name: "
    + shell("mv -n -- {copy} {copy}.old"),
    Exit.USAGE,
)
COPY_FAILED = Message(
    "KB-L061",
    "the ledger could not be copied to {copy}: {why}",
    "name a place with enough space, such as one of these: " + shell("df -h"),
)
COPY_NOT_EMPTY = Message(
    "KB-L063",
    "the ledger {copy} is not empty: it holds {rows} rows",
    "name another place; see: " + verb("ledger copy --help"),
    Exit.USAGE,
)
COPY_SAME = Message(
    "KB-L064",
    "the ledger {copy} cannot be copied to itself",
    "name another place; see: " + verb("ledger copy --help"),
    Exit.USAGE,
)
COPY_DIFFERS = Message(
    "KB-L065",
    "what was read back from {copy} is not what was written",
    "keep the old ledger; see that it is sound with: " + verb("ledger check"),
)
RESTORE_NOT_EMPTY = Message(
    "KB-L350",
    "the ledger {place} is not empty: a backup is restored into an empty one",
    "as the owner of the database, keep the old one under another name: "
    + shell("psql --dbname={database} --command={sql}"),
    Exit.USAGE,
)
NOT_SOUND = Message(
    "KB-L066",
    "the ledger {place} is not sound: {count} faults",
    "restore a backup, or take documents over by their marks, without an upload: "
    + shell("mv -n -- {place} {place}.damaged")
    + " && "
    + verb("plan"),
)

# Whole mirrors.

NO_MIRROR = Message(
    "KB-L070",
    "the ledger knows no mirror {mirror}; it knows {known}",
    "see what there is with: " + verb("status"),
    Exit.USAGE,
)
MIRROR_TAKEN = Message(
    "KB-L071",
    "the ledger has documents of a mirror {mirror} already: two mirrors cannot become one",
    "choose another name, or drop what is known of that one with: "
    + verb("mirror forget -- {mirror}"),
    Exit.USAGE,
)
