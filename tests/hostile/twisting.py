"""A door in front of a real server that twists what the server said before it is passed on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from front import Answer, Front, _Door

# Method, path with its query, and the server's own JSON; what is said instead.
Twist = Callable[[str, str, object], object]


def honest(method: str, path: str, said: object) -> object:
    """Pass on what was said."""
    return said


class Twisting(Front):
    """`twist` changes replies; `asked` keeps every call that reached the server."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.RequestHandlerClass = _Twister
        self.twist: Twist = honest
        self.asked: list[tuple[str, str]] = []


class _Twister(_Door):
    server: Twisting

    def _asked(self, body: bytes) -> Answer:
        self.server.asked.append((self.command, self.path))
        status, headers, content = super()._asked(body)
        try:
            said = json.loads(content)
        except ValueError:
            return status, headers, content
        twisted = self.server.twist(self.command, self.path, said)
        return (
            status,
            headers,
            twisted if isinstance(twisted, bytes) else json.dumps(twisted).encode(),
        )


@contextmanager
def twisting(target: str) -> Iterator[Twisting]:
    """Open the door for as long as the block runs."""
    door = Twisting(target)
    thread = threading.Thread(target=door.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield door
    finally:
        door.shutdown()
        door.server_close()
        thread.join()


def everywhere(key: str, value: Callable[[object], object]) -> Twist:
    """Return the twist that changes every member called `key`, at any depth."""

    def changed(found: object) -> object:
        if isinstance(found, list):
            return [changed(each) for each in found]
        if isinstance(found, dict):
            return {k: value(v) if k == key else changed(v) for k, v in found.items()}
        return found

    return lambda method, path, said: changed(said)
