"""Files whose content is not the recorded one although their stat is: found by reading them.

A stat is not content: times are put back by archives, by copying and by backups, and file systems
have coarse clocks. So a file is read, whatever its stat, when a watch reported it, when a person
asks for it, and once in a while (docs/design.md section 7).
"""

from __future__ import annotations

from kbsync.engine.observe.known_bytes import known_of
from kbsync.engine.ports import FileRow, Ledger, Source
from kbsync.model import Action, DocKey, DocumentRules, FileState, Noop, Present, Stat
from kbsync.model.files import NO_CTIME
from kbsync.planning.case import Case


class ContentCheck:
    """Reads the files that the ledger would believe by their stat.

    Args:
        mirror: the mirror's name.
        source: its folder.
        ledger: what it sent, and what was refused.
        rules: what the document of each path becomes.
    """

    def __init__(self, mirror: str, source: Source, ledger: Ledger, rules: DocumentRules) -> None:
        self._rules = rules
        self._mirror = mirror
        self._source = source
        self._ledger = ledger

    def read(self, file: FileState) -> FileState:
        """Return `file`, read where its recorded hash would stand for it otherwise."""
        believed = self._recorded(file) is not None
        return self.fresh(file.key) if believed else file

    def differing(self, file: FileState) -> FileState | None:
        """Return what a file is whose stat is the recorded one, and its content is not.

        Returns:
            None when the content is the recorded one, or nothing is recorded for that stat.
        """
        recorded = self._recorded(file)
        if recorded is None:
            return None
        now = self.fresh(file.key)
        return None if isinstance(now, Present) and now.content == recorded else now

    def differing_row(self, row: FileRow) -> FileState | None:
        """Like `differing`, for a file as the walk met it."""
        key = DocKey(mirror=self._mirror, path=row[0])
        return self.differing(Present(key=key, stat=Stat(*row[1:])))

    def fresh(self, key: DocKey) -> FileState:
        """Read the file of `key` as it would be sent, whatever is remembered of it."""
        entry = self._ledger.entry(key)
        known = known_of(entry, self._rules.of(key.path).settings)
        taken = entry.encoding if entry else None
        return self._source.read(key.path, taken, fresh=True, known=known)

    def _recorded(self, file: FileState) -> str | None:
        """Return the hash that the ledger keeps for exactly this stat, None without one."""
        if not isinstance(file, Present):
            return None
        for known in (self._ledger.rejection(file.key), self._ledger.entry(file.key)):
            if known is not None and known.fingerprint is not None and known.stat == file.stat:
                return known.fingerprint.content
        return None


def stat_to_record(case: Case, action: Action) -> Stat | None:
    """Return the stat to record for the hashed file of a case, None when nothing is to change.

    With the recorded content it is the file's, so that the next pass need not hash it again. With
    another content the recorded stat, if it is the file's, is doubted from now on: whatever looks
    at the file before it is sent has to read it.
    """
    local = case.local
    known = case.entry if isinstance(action, Noop) else case.rejection or case.entry
    if not isinstance(local, Present) or local.content is None:
        return None
    if known is None or known.fingerprint is None:
        return None
    if known.fingerprint.content == local.content:
        # What is declared is settled for the recorded stat: until it is for this one, that stays.
        unsettled = case.declared is not None and not isinstance(action, Noop)
        return None if unsettled or known.stat == local.stat else local.stat
    if known.stat is None or known.stat.ctime_ns == NO_CTIME or not known.stat.agrees(local.stat):
        return None
    return known.stat.doubted
