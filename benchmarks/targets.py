"""The rows of the table: what is measured, against what, and what it must and may come to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """One row.

    Args:
        case: what is done.
        against: what it is divided by, empty where the figure stands alone.
        unit: of the figure; empty for a ratio.
        seen: what it was at commit 0644e0f; None: not measured then.
        must: the largest figure that is accepted; None: the row informs.
        reach: what to reach for.
        least: `must` and `reach` are the smallest figures that are accepted.
    """

    case: str
    against: str = ""
    unit: str = ""
    seen: float | None = None
    must: float | None = None
    reach: float | None = None
    least: bool = False

    def met(self, value: float) -> bool | None:
        """Return whether `value` is accepted; None where nothing is asked for."""
        if self.must is None:
            return None
        return value >= self.must if self.least else value <= self.must


_NOTHING = "nothing to do, `apply --no-refresh`"
_FIRST = "first apply, 600 × 4 KiB over TCP, until all is indexed"

TARGETS = {
    "unchanged-rsync": Target(
        f"{_NOTHING}, 100,000 files in 1,000 folders: CPU", "`rsync -a`", "", 5.3, 2.0, 1.2
    ),
    "unchanged-rclone": Target("the same", "`rclone sync`", "", 1.1, 0.7, 0.4),
    "unchanged-few-rsync": Target("the same, 10,000 files: CPU", "`rsync -a`", "", 21, 6, 4),
    "unchanged-few-oikb": Target("the same, 10,000 files: CPU", "`oikb sync`"),
    "walk-find": Target("walking 100,000 files alone: CPU", "`find -printf`"),
    "million-memory": Target(
        f"{_NOTHING}, 1,000,000 files: peak memory", "own at 10,000", "", 1.53, 1.3, 1.1
    ),
    "million-time": Target("the same: wall", "own at 100,000", "", 5.0, 10),
    "million-rsync": Target("the same: CPU", "`rsync -a`"),
    "first-wall": Target(f"{_FIRST}: wall", "bare loop, 4 connections", "", 4.2, 1.4, 1.1),
    "first-cpu": Target("the same: CPU of the client", "bare loop", "", 9.4, 2.5, 1.5),
    "first-requests": Target("the same: requests a document", "", "", 3.2, 1.2, 1.05),
    "first-oikb": Target("first sync, 600 × 4 KiB, stub: CPU of the client", "`oikb sync`"),
    "rate": Target(
        "first apply, 1,000 files, 50 ms a request: from the first upload to the last",
        "4 connections: 80 uploads a second",
        "",
        None,
        0.9,
        0.97,
        least=True,
    ),
    "rate-whole": Target(
        "the same: the whole process, start and marks and proof included",
        "4 connections: 80 uploads a second",
        least=True,
    ),
    "refresh-wall": Target(
        "`apply` with refresh, 20,000 documents: wall",
        "the list pages by a bare loop",
        "",
        None,
        1.5,
        1.1,
    ),
    "refresh-cpu": Target("the same: CPU", "the same"),
    "edit-cpu": Target("one edit in the daemon, 100,000 files: CPU", "", "ms", None, 20, 8),
    "edit-delay": Target("the same: from the end of the settle window to the request", "", "ms"),
    "big-daemon": Target(
        "one file of 300 MiB in the daemon: peak memory above idle", "", "MiB", None, 32, 8
    ),
    "big-apply": Target("the same in `apply`: above a file of 4 KiB", "", "MiB"),
    "watch-ready": Target(
        "watch ready, 100,000 files in 1,000 folders: from the start of the process",
        "`inotifywait -r`",
        "",
        None,
        2,
        1,
    ),
    "watch-placed": Target("the same: from the first watch to the last", "`inotifywait -r`"),
    "daemon-idle": Target("daemon idle, 100,000 files: CPU a minute", "", "s", None, 0.1, 0),
    "version": Target("`kbsync --version`: CPU", "`python -c pass`", "", 2.3, 3, 2),
    "plan": Target("`plan` of 50 files on a remote server: CPU", "`python -c pass`", "", 44, 15, 8),
    "status": Target("`status` of 100,000 entries: CPU", "`python -c pass`", "", None, 30, 12),
    "commit": Target("one intent committed to the ledger: wall", "one sync of the disk"),
    "concurrency-fast": Target(
        "first apply, fast server (10 ms a request): wall", "the best of 1, 2, 4, 8 in flight"
    ),
    "concurrency-slow": Target("slow server (1 s a document): wall", "the same"),
    "concurrency-locked": Target("lock-bound server (50 ms an upload): wall", "the same"),
}
