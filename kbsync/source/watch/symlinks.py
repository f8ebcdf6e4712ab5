"""Under which further paths a file is seen where links are followed.

Paths here are real: names as the disk has them, from the root, joined by ``/``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

# Links to folders that hold links multiply; beyond this the whole source is compared instead.
_MOST = 1_000


class SymlinkPaths:
    """The symbolic links of a source and what they lead to.

    Args:
        root: path of the source.
    """

    def __init__(self, root: str) -> None:
        self._base = os.path.realpath(root)
        self._targets: dict[str, str | None] = {}
        self._links: dict[str, set[str]] = {}

    def add(self, link: str) -> bool:
        """Note that a link stands at `link`; return whether it leads elsewhere than before."""
        target = self._resolved(link)
        if link in self._targets and self._targets[link] == target:
            return False
        self._remove(link)
        self._targets[link] = target
        if target is not None:
            self._links.setdefault(target, set()).add(link)
        return True

    def concerned(self, path: str) -> bool:
        """Whether a link stood at `path` or stands there now."""
        return path in self._targets or self._is_link(path)

    def touched(self, path: str) -> list[str]:
        """Return the links that show another thing, as the folder or link `path` came or went."""
        former = self._targets.get(path)
        doubtful = [
            link
            for link, to in self._targets.items()
            if to is None
            or _within(link, path)
            or _within(to, path)
            or (former is not None and _within(to, former))
        ]
        if self._is_link(path):
            doubtful.append(path)
        return sorted(link for link in set(doubtful) if self._other(link, path))

    def _other(self, link: str, path: str) -> bool:
        """Resolve `link` again; return whether it shows another thing than before."""
        if not self._is_link(link):
            self._remove(link)
            return True
        target = self._targets.get(link)
        led_there = target is not None and _within(target, path)
        # A link replaced twice leads where it led, yet a scan may have met it in between.
        return self.add(link) or led_there or link == path

    def shown(self, path: str) -> set[str] | None:
        """Return every other path that shows `path`; None when they are too many to list."""
        found: set[str] = set()
        pending: list[tuple[str, frozenset[str]]] = [(path, frozenset())]
        while pending:
            at, used = pending.pop()
            for link, rest in self._above(at):
                other = link + rest
                if link not in used and other not in found:
                    found.add(other)
                    pending.append((other, used | {link}))
            if len(found) > _MOST:
                return None
        return found

    def _above(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield each link to `path` or to a folder it is in, and what is left behind it."""
        end = len(path)
        while end > 0:
            for link in self._links.get(path[:end], ()):
                if not _within(link, path[:end]):
                    yield link, path[end:]
            end = path.rfind("/", 0, end)

    def _resolved(self, link: str) -> str | None:
        try:
            real = os.path.realpath(os.path.join(self._base, link))  # noqa: PTH118
        except OSError:
            return None
        inside = os.path.relpath(real, self._base)
        return None if inside == "." or inside.split("/")[0] == ".." else inside

    def _is_link(self, path: str) -> bool:
        return os.path.islink(os.path.join(self._base, path))  # noqa: PTH114, PTH118

    def _remove(self, link: str) -> None:
        target = self._targets.pop(link, None)
        if target is not None:
            self._links[target].discard(link)
            if not self._links[target]:
                del self._links[target]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
