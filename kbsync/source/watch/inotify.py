"""One inotify instance of the kernel, read by watchdog in a thread of its own.

Watchdog's observer is not used: it hides that watches ran out and that the queue overflowed, and it
holds events back for half a second after every rename. The reader below it does
neither, and calls back for each event and for an overflow.
"""

from __future__ import annotations

import errno

from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyConstants,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

# An opened, read or closed file is no change: kbsync's own reading has to go unnoticed. Changed
# attributes are one, as they can make a file readable that was not.
_MASK = Mask(
    InotifyConstants.IN_CREATE
    | InotifyConstants.IN_MODIFY
    | InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_DELETE
    | InotifyConstants.IN_MOVED_FROM
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_ATTRIB
    | InotifyConstants.IN_ONLYDIR
    | InotifyConstants.IN_EXCL_UNLINK
)


class InotifyInstance:
    """An inotify instance and its reading thread.

    Args:
        receiver: called for every event, from the reading thread.

    Raises:
        OSError: EMFILE when the user may have no more instances.
    """

    def __init__(self, receiver: WatchCallback) -> None:
        self._receiver = receiver
        self._reader = InotifyFD()
        self._reader.name = "kbsync-inotify"
        self._reader.start()
        self._turn = 0
        self._turns: dict[int, CallbackId] = {}

    @property
    def alive(self) -> bool:
        """Whether events are still read."""
        return self._reader.is_alive()

    def watch(self, fd: int) -> int:
        """Watch an open folder, so that nothing can be put in its place meanwhile.

        Args:
            fd: its descriptor.

        Returns:
            The watch's number; that of the folder's former watch if it has one.

        Raises:
            OSError: ENOSPC when the user may have no more watches, ENOSYS without ``/proc``.
        """
        self._turn += 1
        turn = CallbackId(self._turn)
        try:
            wd = self._reader.add_callback(b"/proc/self/fd/%d" % fd, _MASK, self._receiver, turn)
        except FileNotFoundError as error:
            raise OSError(errno.ENOSYS, "/proc is not mounted") from error
        former = self._turns.get(wd)
        if former is not None:
            self._reader.remove_callbacks([(wd, former)])
        if wd < 0:
            # Watchdog's answer when the kernel says EACCES.
            self._reader.remove_callbacks([(wd, turn)])
            raise PermissionError(errno.EACCES, "Permission denied")
        self._turns[wd] = turn
        return wd

    def forget(self, wd: int) -> None:
        """End a watch."""
        turn = self._turns.pop(wd, None)
        if turn is not None:
            self._reader.remove_callbacks([(WatchDescriptor(wd), turn)])

    def ended(self, wd: int) -> None:
        """Note that the kernel ended a watch by itself."""
        self._turns.pop(wd, None)

    def close(self) -> None:
        """End all watches and the reading thread."""
        self._reader.stop()
        self._reader.join()
