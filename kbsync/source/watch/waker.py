"""A wait that ends with time, with a change of the mount table, or when another thread wakes it."""

from __future__ import annotations

import contextlib
import os
import select

_MOUNTS = "/proc/self/mountinfo"


class Waker:
    """Lets one thread wait without polling."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        self._mounts = _opened(_MOUNTS)
        if self._mounts is not None:
            # The kernel marks this file when a mount comes or goes; it need not be read for that.
            self._poll.register(self._mounts, select.POLLPRI)

    def wake(self) -> None:
        """End the wait, now or the next one; from any thread."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"!")

    def wait(self, seconds: float) -> bool:
        """Wait for at most `seconds`; return whether the mount table changed."""
        ready = {fd for fd, _ in self._poll.poll(seconds * 1000)}
        if self._reader in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._reader, 4096)
        return self._mounts in ready

    def close(self) -> None:
        """Give the descriptors back."""
        for fd in (self._reader, self._writer, self._mounts):
            if fd is not None:
                os.close(fd)


def _opened(path: str) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
