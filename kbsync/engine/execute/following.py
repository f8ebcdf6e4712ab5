"""What comes after an upload, beside the workers: indexing is followed, marks are written."""

from __future__ import annotations

from collections.abc import Callable

from kbsync.engine.execute.indexing import IndexingTracker
from kbsync.engine.execute.marking import MarkResult, MarkWriter
from kbsync.engine.workers.wakeup import Wakeup
from kbsync.messages import Problem
from kbsync.model import DocKey


async def follow(
    watch: IndexingTracker,
    pulse: Wakeup,
    *,
    over: Callable[[], bool],
    indexed: Callable[[DocKey], None],
) -> None:
    """Poll while anything is being indexed; without that nobody is asked.

    Args:
        watch: what is followed.
        pulse: of the drive.
        over: whether there is nothing left to do.
        indexed: told of every key whose document came to an end.
    """
    while not over():
        if not len(watch):
            await pulse.wait()
            continue
        try:
            ended = await watch.poll()
        except Problem as problem:
            pulse.fail(problem)
            break
        for key in ended:
            indexed(key)
        pulse.beat()  # nobody left while the answer was out
        await pulse.rest(watch.interval)
    pulse.beat()


class MarkLoop:
    """The round that writes marks.

    Args:
        marker: what is written.
        pulse: of the drive.
        marked: told of every mark that came to an end.

    Attributes:
        writing: a call is under way.
        quiet: no call is begun.
    """

    def __init__(
        self, marker: MarkWriter, pulse: Wakeup, marked: Callable[[MarkResult], None]
    ) -> None:
        self._marker = marker
        self._pulse = pulse
        self._marked = marked
        self.writing = False
        self.quiet = False

    async def run(self, over: Callable[[], bool], idle: Callable[[], bool]) -> None:
        """Write until `over`; `idle` tells whether nothing more will join a batch soon."""
        while not over():
            resting = idle()
            rest = None if self.quiet else self._marker.rest(idle=resting)
            if rest == 0:
                await self._some(resting)
            else:
                await self._pulse.wait(rest)
        self._pulse.beat()

    async def _some(self, idle: bool) -> None:
        self.writing = True
        try:
            for marked in await self._marker.work(idle=idle):
                self._marked(marked)
        except Problem as problem:
            self._pulse.fail(problem)
        finally:
            self.writing = False
        self._pulse.beat()
