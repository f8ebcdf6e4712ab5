"""Messages about the daemon: codes KB-K001 and up, never re-used."""

from kbsync.messages import Exit, Message, again, shell, verb

# A command asks a daemon.

NO_DAEMON = Message(
    "KB-K001",
    "no daemon runs with the configuration {file}",
    "start one with: " + verb("run"),
)
HUNG_UP = Message(
    "KB-K002",
    "the daemon ended before it answered; what it had begun is in the ledger",
    "see what was done with: " + verb("history"),
)
NOT_UNDERSTOOD = Message(
    "KB-K003",
    "the daemon does not understand the request: {why}",
    "it may be of another version than this command: restart it, then: " + again(),
)
TOO_LONG = Message(
    "KB-K004",
    "the request is longer than the {mebibytes} MiB that a daemon accepts",
    "stop the daemon, then: " + again(),
)
STOPPING = Message(
    "KB-K005",
    "the daemon is stopping and accepts no more requests",
    "wait until it has ended, then: " + again(),
)
BROKEN = Message(
    "KB-K006",
    "the daemon could not do this, by a fault of its own: {why}",
    "the daemon's log has the details; see: " + verb("status"),
)
NO_SOCKET = Message(
    "KB-K007",
    "commands cannot reach this daemon: its socket {path} cannot be made: {why}",
    "correct the rights of its folder, then restart the daemon: " + shell("ls -ld -- {folder}"),
    Exit.OK,
)

NOT_LENT = Message(
    "KB-K340",
    "verbs cannot ask the embedded knowledge base while this daemon runs: its socket {path} cannot "
    "be made: {why}",
    "correct the rights of its folder, then restart the daemon: " + shell("ls -ld -- {folder}"),
    Exit.OK,
)

_TOO_LONG = (
    "the path of its socket {path} has {length} bytes, and a socket takes {longest}; a short one "
    "in the runtime folder of the user cannot be made: {why}"
)
SOCKET_TOO_LONG = Message(
    "KB-K390",
    "commands cannot reach this daemon: " + _TOO_LONG,
    "give `ledger` a shorter path, or XDG_RUNTIME_DIR a folder that only this user writes to, then "
    "restart the daemon; check the configuration with: " + verb("validate"),
    Exit.OK,
)
LENT_TOO_LONG = Message(
    "KB-K391",
    "verbs cannot ask the embedded knowledge base while this daemon runs: " + _TOO_LONG,
    "give `data` of `embedded` a shorter path, or XDG_RUNTIME_DIR a folder that only this user "
    "writes to, then restart the daemon; check the configuration with: " + verb("validate"),
    Exit.OK,
)

# What the daemon says of mirrors.

READ_ONLY = Message(
    "KB-K010",
    "mirror {mirror} is read-only: {changes} changes are planned and none was made",
    "to have them made set read_only: false; look at them with: " + verb("plan -- {mirror}"),
    Exit.INCOMPLETE,
)
READ_ONLY_KEPT = Message(
    "KB-K011",
    "mirror {mirror} is read-only: none of its documents is deleted",
    "set read_only: false for the mirror, or take it out of the file, then: " + again(),
    Exit.USAGE,
)
PAUSED_BY_VERB = Message(
    "KB-K012",
    "mirror {mirror} is still in the configuration, so the daemon paused it",
    "take it out of the file, or let it go on with: " + verb("resume -- {mirror}"),
    Exit.OK,
)

# The configuration.

FROM_A_PIPE = Message(
    "KB-K021",
    "the configuration came through a pipe and cannot be read again",
    "restart the daemon with a file instead of a pipe; it goes on meanwhile: " + verb("status"),
    Exit.USAGE,
)
LEDGER_STAYS = Message(
    "KB-K020",
    "the configuration names another ledger, and a running daemon cannot change its ledger",
    "restart the daemon, or put the old line back; it goes on meanwhile: " + verb("status"),
    Exit.USAGE,
)
RESTLESS = Message(
    "KB-K160",
    "{path} keeps changing: {uploads} uploads in the last hour, {size}; the next in {seconds} s at "
    "the earliest",
    "leave it out by `exclude`, or raise `update_interval`, then: " + verb("validate"),
)
KEEPS_CHANGING = Message(
    "KB-K161",
    "not read yet, because they keep changing: {paths}",
    "leave them out by `exclude`, or wait until they rest, then: " + verb("status"),
)
STANDS_BY = Message(
    "KB-K350",
    "this daemon stands by and can carry nothing out: {why}",
    "type it where the other daemon runs; what this one waits for: " + verb("status --running"),
)
LOG_LOST = Message(
    "KB-K188",
    "{lines} lines of this log could not be written and are lost; the work went on",
    "see what was done with: " + verb("history"),
    Exit.OK,
)
BUSY = Message(
    "KB-K189",
    "the daemon still brings to its end what it began: the request of another verb, or calls of "
    "this mirror that are under way",
    "see what it does with: " + verb("status"),
    Exit.INDEXING,
)
UNRESPONSIVE = Message(
    "KB-K190",
    "the daemon does not answer; it may be stopped, or this machine too busy",
    "see whether it answers with: " + verb("status --running"),
    Exit.INDEXING,
)

# What runs beside the mirrors.

CANNOT_LISTEN = Message(
    "KB-K320",
    "the daemon cannot answer HTTP at {address}: {why}; it goes on without, and tries again",
    "see who has the address, or change web.listen: " + shell("ss -ltnp"),
    Exit.OK,
)
DOCUMENTS_FAILED = Message(
    "KB-K321",
    "mirror {mirror}: {count} files have no up-to-date document, first of all {path}: {why}",
    "see all of them with: " + verb("status"),
    Exit.INCOMPLETE,
)
OUTAGE_LASTS = Message(
    "KB-K322",
    "mirror {mirror}: the server has not answered for {seconds} s: {why}",
    "it goes on by itself once the server answers; see: " + verb("status --running"),
    Exit.INCOMPLETE,
)
OVER = Message("KB-K323", "mirror {mirror}: {what} is over, after {seconds} s", exit=Exit.OK)
ALL_WELL = Message("KB-K324", "every mirror is kept in sync", exit=Exit.OK)
NOT_NOTIFIED = Message(
    "KB-K325",
    "{target}: a notification of {event} was not delivered: {why}; it is not logged again until "
    "one is",
    "correct the target, then: " + verb("validate"),
    Exit.OK,
)

# The status page.

NO_CHANGES_HERE = Message(
    "KB-K370",
    "nothing can be changed on this page: the configuration names no token",
    "name a file that holds one as web.token_file; make one with: " + shell("openssl rand -hex 32"),
    Exit.REFUSED,
)
WRONG_TOKEN = Message(
    "KB-K371",
    "this is not the token",
    "type what is in the file that web.token_file names; see which one with: " + verb("validate"),
    Exit.REFUSED,
)
NOT_LOGGED_IN = Message(
    "KB-K372",
    "this changes something, and you are not logged in, or the page is of an earlier login",
    "log in and do it again; or type it, as listed by: " + verb("--help"),
    Exit.REFUSED,
)
STILL_AT_IT = Message(
    "KB-K373",
    "mirror {mirror} is still at what was asked for before: {what}",
    "wait until it is done; see: " + verb("status"),
    Exit.INDEXING,
)
NOT_HELD_ANY_MORE = Message(
    "KB-K374",
    "mirror {mirror}: the guard holds another set of changes back by now, or none",
    "read what it holds back now, and release that; see: " + verb("plan -- {mirror}"),
    Exit.HALTED,
)
TOO_MUCH_SENT = Message(
    "KB-K375",
    "a form of this page is smaller than what was sent",
    "do it again on the page, or type it; the verbs are listed by: " + verb("--help"),
    Exit.REFUSED,
)
ROLES_NOT_RELOADED = Message(
    "KB-K480",
    "a process of a cluster reads its configuration when it starts: the one of then stays in force",
    "start it again to have it read; check it before: " + verb("validate"),
)
