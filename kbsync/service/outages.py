"""Since when the servers of mirrors cannot be reached."""

from __future__ import annotations

import time
from collections.abc import Mapping

from kbsync.engine.control.controller import ControllerStatus, Phase


class Outages:
    """Notes when the server of a mirror was missed first, until it answers again."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def look(self, states: Mapping[str, ControllerStatus]) -> None:
        """Note which servers are away now.

        Args:
            states: the status of each mirror's controller, by name.
        """
        now = time.monotonic()
        self._since = {
            mirror: self._since.get(mirror, now)
            for mirror, state in states.items()
            if self._is_away(mirror, state)
        }

    def seconds(self, mirror: str) -> float:
        """Return for how many seconds the server of a mirror is away, 0.0 while it answers."""
        since = self._since.get(mirror)
        return 0.0 if since is None else max(0.001, time.monotonic() - since)

    def _is_away(self, mirror: str, state: ControllerStatus) -> bool:
        # While a verb works with the mirror its controller does not ask the server.
        if state.phase is Phase.SUSPENDED:
            return mirror in self._since
        return state.phase is Phase.UNREACHABLE
