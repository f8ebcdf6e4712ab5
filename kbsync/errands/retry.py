"""What `kbsync retry` wants done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kbsync import passes
from kbsync.errands import closing
from kbsync.errands.apply import spared
from kbsync.errands.desk import Desk, Errand


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry(Errand):
    """Forgive what failed or was refused, plan those files, and carry the plan out.

    Args:
        paths: paths and folders relative to the source; empty for all.
        mirror: only this one.
        wait: until everything is indexed.
        as_json: tell one JSON object at the end.
    """

    verb: ClassVar[str] = "retry"
    paths: tuple[str, ...] = ()
    mirror: str | None = None
    wait: bool = True
    as_json: bool = False

    async def run(self, desk: Desk) -> int:
        """Do it; the exit code is that of the pass."""
        async with desk.opened([self.mirror] if self.mirror else []) as opened:
            again = await passes.plan_again(opened.engines, opened.ledger, self.paths)
            plans = spared(desk, again)
            with desk.progress(passes.whole(plans), quiet=self.as_json) as observe:
                done = await passes.apply_all(
                    plans, wait=self.wait, observe=observe, stopper=desk.stopper
                )
        closing.show(desk, done, as_json=self.as_json)
        return done.exit
