"""What an absence in a source proves: whether the root is there, and what is mounted below it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from kbsync.engine.ports import Blocked, Ledger, Source
from kbsync.messages import Notice, Problem
from kbsync.messages import engine as say
from kbsync.messages import guard as guard_say
from kbsync.model import Absent, Action, DocKey, FileState, Present, Unknown
from kbsync.planning.guard import Risk, risk_of
from kbsync.planning.mount_points import innermost_above, is_at_or_below
from kbsync.planning.path_range import EVERYTHING, PathRange

# Past so many misses a walk is cheaper and proves more.
LOOKS = 20


def must_be_there(mirror: str, source: Source) -> None:
    """Raise that the source is not there, before anything is asked of a server.

    Raises:
        Problem: it is not there, or may not be opened.
    """
    if source.device() is None:
        first = next(iter(source.scan()), None)
        must_be_listed(mirror, [first] if isinstance(first, Blocked) else [])


def must_be_listed(mirror: str, blocked: Iterable[Blocked]) -> None:
    """Raise that the source could not be listed, if its root is among `blocked`.

    Raises:
        Problem: it is: then nothing of it was compared.
    """
    for each in blocked:
        if not each.prefix:
            raise Problem(source_blocked(mirror, each.why))


def source_blocked(mirror: str, why: Notice) -> Notice:
    """Return that the source of `mirror` cannot be compared, `why` being what its root says."""
    following = why.hint.rstrip(": ") or "see what is wrong there"
    return say.SOURCE_BLOCKED(mirror=mirror, reason=why.text, following=following)


class SourceCheck:
    """Finds a recorded file that is there, looking first at the last one found.

    Args:
        mirror: the mirror's name.
        source: its folder.
        ledger: knows its files.
    """

    def __init__(self, mirror: str, source: Source, ledger: Ledger) -> None:
        self._mirror = mirror
        self._source = source
        self._ledger = ledger
        self._last: dict[str, DocKey] = {}

    def proves(self, changed: AbstractSet[DocKey], point: str = "") -> bool:
        """Return whether any of a few recorded files is there; False proves nothing.

        Args:
            changed: the keys in question, which cannot prove it.
            point: the mount point it has to be below; empty for anywhere.
        """
        last = self._last.get(point)
        if last is not None and last not in changed and self._is_there(last):
            return True
        looked = 0
        for entry in self._ledger.entries(self._mirror, prefix=f"{point}/" if point else ""):
            if entry.key in changed:
                continue
            if self._is_there(entry.key):
                self._last[point] = entry.key
                return True
            looked += 1
            if looked == LOOKS:
                break
        return False

    def _is_there(self, key: DocKey) -> bool:
        recorded = self._ledger.entry(key) is not None
        return recorded and isinstance(self._source.look(key.path), Present)


class MountRecord:
    """The mount points below the root, as the ledger has them and as they are now.

    Args:
        mirror: the mirror's name.
        source: its folder.
        ledger: keeps them.

    Attributes:
        known: the recorded mount points, and of each whether it covers: files that were sent may
            stand in the folder beneath, where a mount hides them.
    """

    def __init__(self, mirror: str, source: Source, ledger: Ledger) -> None:
        self._mirror = mirror
        self._source = source
        self._ledger = ledger
        self.known: Mapping[str, bool] = {}

    def expect(self) -> None:
        """Have the source tell what is below a recorded mount point and not on its mount."""
        self.known = self._ledger.mounts(self._mirror)
        self._source.expect(self.known.keys())

    def concerned(self, states: Iterable[FileState]) -> frozenset[str]:
        """Return the mount points as they are now; none where none can concern `states`."""
        if self.known or any(isinstance(each, Absent) for each in states):
            return self._source.mounts()
        return frozenset()

    def doubted(
        self,
        states: Collection[FileState],
        now: AbstractSet[str],
        *,
        before: AbstractSet[str] | None = None,
        gone: Iterable[DocKey] = (),
    ) -> dict[str, Notice]:
        """Return where below the root an absence proves nothing, by mount point, and why.

        That is where a mount was and is none now, or was none when one of `states` was looked at;
        and where a mount covers files that are recorded, as it was not there when they were sent,
        or came while they were looked at.

        Args:
            states: files that were looked at before.
            now: the mount points after that.
            before: the mount points before it, as far as they are known.
            gone: files that were found to be gone after the look.
        """
        absent = [each.key.path for each in states if isinstance(each, Absent)]
        absent += [key.path for key in gone]
        met = {each.unmounted for each in states if isinstance(each, Absent | Present)}
        were = self.known.keys() | (before or frozenset())
        lost = were - now | {point for point in met if point is not None}
        doubted = {point: guard_say.NOT_MOUNTED(path=point) for point in lost}
        came = frozenset() if before is None else now - before
        for point in now - lost:
            covers = point in came or self.known.get(point, True)
            if covers and any(is_at_or_below(path, point) for path in absent):
                doubted[point] = guard_say.NEWLY_MOUNTED(path=point)
        return doubted

    def above(self, keys: Iterable[DocKey]) -> frozenset[str]:
        """Return the recorded mount points that any of `keys` is below."""
        found = (innermost_above(key.path, self.known) for key in keys)
        return frozenset(each for each in found if each is not None)

    def unproved(
        self, actions: Collection[Action], doubted: Mapping[str, Notice]
    ) -> Mapping[str, Notice]:
        """Return `doubted`, and the mounts on which none of the recorded files stands.

        Args:
            actions: what would be done.
            doubted: as `doubted` returns.
        """
        gone = [action.key for action in actions if risk_of(action) in (Risk.REMOVES, Risk.FORGETS)]
        found = dict(doubted)
        for point in self.above(gone) - doubted.keys():
            # A ledger that was lost knows of nothing there but what the plan is about.
            planned = [each.key for each in actions if is_at_or_below(each.key.path, point)]
            known = self._recorded(point) if any(self._recorded(point)) else iter(planned)
            if not any(map(self._stands, known)):  # another disk, or one that is not filled yet
                count = sum(1 for _ in self._recorded(point)) or len(planned)
                found[point] = guard_say.MOUNT_STRANGE(path=point, recorded=count)
        return found

    def _recorded(self, point: str) -> Iterator[DocKey]:
        return (each.key for each in self._ledger.entries(self._mirror, prefix=f"{point}/"))

    def _stands(self, key: DocKey) -> bool:
        return not isinstance(self._source.look(key.path), Absent | Unknown)

    def note(
        self,
        states: Collection[FileState],
        doubted: Mapping[str, Notice],
        before: AbstractSet[str],
        now: AbstractSet[str],
        within: PathRange = EVERYTHING,
    ) -> None:
        """Record the mount points as a walk found them.

        One where nothing is mounted any more stays recorded as long as its files differ from what
        was sent: only when all of them stand there as they were is it a folder like any other. A
        new one covers until a whole walk found all recorded files on it. So does one that comes
        back, if files may have been sent from the folder beneath meanwhile.

        Args:
            states: what the walk found that may need something.
            doubted: as `doubted` returns.
            before: the mount points before the walk.
            now: the mount points after it.
            within: what was walked.
        """
        points: dict[str, bool] = {}
        for point in self.known.keys() | before | now:
            covers = self.known.get(point, True)
            if not within.covers(f"{point}/"):
                # What was not walked as a whole may only add to what is recorded of it.
                if point in self.known or point in now & before:
                    points[point] = covers
                continue
            if point in now & before:
                points[point] = covers and point in doubted
                continue
            left = [each for each in states if is_at_or_below(each.key.path, point)]
            if left or point in now | before:
                sent = any(isinstance(each, Present) for each in left)
                points[point] = covers or sent
        self._record(points)

    def note_met(self, states: Iterable[FileState], now: AbstractSet[str]) -> None:
        """Record what looks at some paths say of mount points; only a walk says more.

        Args:
            states: what stands at those paths.
            now: as `concerned` returns.
        """
        met = {each.unmounted for each in states if isinstance(each, Present)}
        beneath = {point for point in met if point is not None}
        self._record({**self.known, **dict.fromkeys((now - self.known.keys()) | beneath, True)})

    def _record(self, points: Mapping[str, bool]) -> None:
        news: dict[str, bool | None] = dict.fromkeys(self.known.keys() - points.keys())
        news |= {
            point: covers for point, covers in points.items() if covers != self.known.get(point)
        }
        if news:
            self._ledger.note_mounts(self._mirror, news)
            self.expect()
