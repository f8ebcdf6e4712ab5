"""A rest that ends with time, with a change of the mount table, or when somebody pokes."""

from __future__ import annotations

import contextlib
import os
import select

_MOUNTS = "/proc/self/mountinfo"


class Waker:
    """Lets one thread rest without cost."""

    def __init__(self) -> None:
        self._heard, self._poked = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._poked, False)
        self._poll = select.poll()
        self._poll.register(self._heard, select.POLLIN)
        self._mounts = _opened(_MOUNTS)
        if self._mounts is not None:
            # The kernel marks this file when a mount comes or goes; it need not be read for that.
            self._poll.register(self._mounts, select.POLLPRI)

    def poke(self) -> None:
        """End the rest, now or the next one; from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._poked, b"!")

    def rest(self, seconds: float) -> bool:
        """Rest for at most `seconds`; return whether the mount table changed."""
        ready = {fd for fd, _ in self._poll.poll(seconds * 1000)}
        if self._heard in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._heard, 4096)
        return self._mounts in ready

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._heard, self._poked, self._mounts):
            if fd is not None:
                os.close(fd)


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
