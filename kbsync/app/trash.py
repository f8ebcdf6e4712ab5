"""What is in the trash, and files of it brought back from what the server keeps."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from kbsync.app import connect
from kbsync.app.clock import ProcessClock
from kbsync.app.export.folder import Part
from kbsync.app.export.source_base import SourceBase
from kbsync.config import MirrorConfig, Settings
from kbsync.dify.client import DifyClient
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttled_calls import ThrottledCalls
from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.store import LedgerStore
from kbsync.messages import Notice
from kbsync.messages import trash as say
from kbsync.model import Done, EntryState, Gone, LedgerEntry, Original
from kbsync.model.outcomes import Throttled
from kbsync.source.document_rules import RulesOfMirror
from kbsync.source.openat import FOLDER, open_folder, os_reason

# Text in other encodings grows when it is sent as UTF-8.
GROWTH = 4
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtBack:
    """What became of one file. `why`: a note, or with `written` False why it is not there."""

    entry: LedgerEntry
    written: bool
    why: Notice | None = None


def resting(
    ledger: LedgerStore, mirrors: Collection[str], paths: Collection[str] = ()
) -> Iterator[LedgerEntry]:
    """Yield the entries in the trash, by mirror and path.

    Args:
        ledger: the memory.
        mirrors: names.
        paths: only these paths and what lies under them; empty for all.
    """
    for name in mirrors:
        for entry in ledger.entries(name, states=[EntryState.TRASHED]):
            if not paths or any(_is_under(entry.key.path, each) for each in paths):
                yield entry


def _is_under(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


async def bring_back(
    settings: Settings,
    ledger: LedgerStore,
    entries: Sequence[LedgerEntry],
    observe: Callable[[], None],
) -> list[BroughtBack]:
    """Write the files of `entries` into their folders, over none, as the server keeps them.

    The ledger stays as it is: the next pass finds the file and takes its document out.

    Raises:
        Problem: a server cannot be used.
    """
    done: list[BroughtBack] = []
    for declared in settings.mirrors:
        wanted = [each for each in entries if each.key.mirror == declared.name]
        binding = ledger.binding(declared.name)
        if not wanted or binding is None:
            continue
        server = settings.server_of(declared)
        calls = ThrottledCalls(
            limiter=RateLimiter(server.requests_per_minute),
            clock=ProcessClock(),
            in_flight=server.max_in_flight,
        )
        async with connect.connected(server) as api:
            files = _Files(declared, api, calls, binding.base_id)
            for entry in wanted:
                done.append(await files.bring_back(entry))
                observe()
    return done


class _Files:
    """The files of one mirror's trash."""

    def __init__(
        self, declared: MirrorConfig, api: DifyClient, calls: ThrottledCalls, base_id: str
    ) -> None:
        self._declared = declared
        self._rules = RulesOfMirror(declared)
        self._base = SourceBase(api, calls, base_id)

    async def bring_back(self, entry: LedgerEntry) -> BroughtBack:
        path = entry.key.path
        if _stands(Path(self._declared.source), path):
            return self._left(entry, say.FILE_STANDS(path=path))
        # Of a document whose chunks are kept one by one the upload is an old one.
        if self._rules.of(path).suffix or entry.chunks is not None:
            return self._left(entry, self._not(entry, say.CONVERTED().text))
        with tempfile.TemporaryFile() as file:
            part = Part(file.fileno(), "")
            reason = await self._download(entry, part)
            if reason is not None:
                return self._left(entry, self._not(entry, reason))
            try:
                written = put(Path(self._declared.source), path, part)
            except OSError as error:
                why = say.NO_ROOM(cause=os_reason(error))
                return self._left(entry, self._not(entry, why.text))
        if not written:
            return self._left(entry, say.FILE_STANDS(path=path))
        note = say.AS_SENT(path=path) if _is_other(entry, part.content) else None
        return BroughtBack(entry=entry, written=True, why=note)

    async def _download(self, entry: LedgerEntry, part: Part) -> str | None:
        """Write the bytes of its document into `part`; return why there are none."""
        largest = self._declared.max_file_size * GROWTH
        outcome = await self._base.original(entry.document_id, largest=largest, into=part)
        match outcome:
            case Done(value=Original(whole=True)):
                return None
            case Done():
                return "the server gave more than was sent"
            case Gone():
                return "its document is not there any more"
            case Throttled():
                return "the server takes no more calls now"
            case _:
                return outcome.why.text

    def _left(self, entry: LedgerEntry, why: Notice) -> BroughtBack:
        return BroughtBack(entry=entry, written=False, why=why)

    def _not(self, entry: LedgerEntry, reason: str) -> Notice:
        return say.NOT_BROUGHT_BACK(
            path=entry.key.path, reason=reason, base=self._base.id, document=entry.document_id
        )


def _is_other(entry: LedgerEntry, content: str) -> bool:
    """Whether these bytes are not known to be those of the file."""
    sent = entry.fingerprint.content if entry.fingerprint else content
    return entry.encoding is not None or entry.source not in (None, content) or sent != content


def _stands(root: Path, path: str) -> bool:
    return os.path.lexists(root / path)


def put(root: Path, path: str, part: Part) -> bool:
    """Write a whole file at `path` below `root`; False when something stands there.

    It has its name only once all of it is there, so that no half of it is ever sent.

    Raises:
        OSError: it cannot be written, or a link stands on the way.
    """
    *steps, name = path.split("/")
    fd = os.open(root, FOLDER)
    try:
        for depth in range(len(steps)):
            with open_folder(fd, steps[:depth]) as above, suppress(FileExistsError):
                os.mkdir(steps[depth], dir_fd=above)
        with open_folder(fd, steps) as folder:
            return _put(folder, name, part)
    finally:
        os.close(fd)


def _put(folder: int, name: str, part: Part) -> bool:
    beside = f".{secrets.token_hex(8)}.kbsync.part"
    file = os.open(beside, _NEW, 0o666, dir_fd=folder)
    try:
        try:
            copied = Part(file, beside)
            for block in part.blocks():
                copied.write(block)
            os.fsync(file)
        finally:
            os.close(file)
        # A link is never made over anything.
        os.link(beside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        return False
    finally:
        os.unlink(beside, dir_fd=folder)
    return True
