"""Which files are taken by their type: those the server accepts, and those that become another."""

from __future__ import annotations

from functools import lru_cache

from kbsync.config import MirrorConfig
from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.model import DocumentRules
from kbsync.model.file_types import extension
from kbsync.source.conversion import RICH
from kbsync.source.convert.sending import FILE, TEXT


class TakenTypes:
    """The types that one mirror takes.

    Args:
        config: the mirror as declared.
        documents: what the document of each path becomes.

    Attributes:
        accepted: extensions that are uploaded whatever a rule says, lower case, without the dot.
        by_path: whether others may be, as a rule says of their path.
    """

    def __init__(self, config: MirrorConfig, documents: DocumentRules) -> None:
        self.accepted = frozenset(config.extensions)
        sends = {config.send, *(rule.send for rule in config.rules)}
        self.by_path = not sends <= {FILE, None}
        self._documents = documents

    def takes(self, path: str) -> bool:
        """Whether the type of the file at a key path is taken."""
        return self.refusal(path) is None

    def refusal(self, path: str) -> Notice | None:
        """Return why the type of the file at a key path is not taken; None if it is."""
        ending = extension(path.rpartition("/")[2])
        if ending in self.accepted:
            return None
        if not self.by_path:
            return refused_type(ending)
        rule = self._documents.of(path)
        if rule.send in RICH or (rule.send == TEXT and rule.any_type):
            return None
        if rule.declared_send != FILE and rule.any_type:
            return _no_conversion(rule.declared_send, ending)
        return refused_type(ending)


# A photo archive next to the documents is thousands of the same notice.
@lru_cache(maxsize=1024)
def refused_type(ending: str) -> Notice:
    """Say that files of this extension are not accepted."""
    return says.REFUSED_TYPE(extension=_shown(ending))


@lru_cache(maxsize=1024)
def _no_conversion(send: str, ending: str) -> Notice:
    return says.NO_CONVERSION(send=send, kind=_shown(ending))


def _shown(ending: str) -> str:
    return f".{ending}" if ending else "extensionless"
