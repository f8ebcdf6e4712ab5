"""Settings of a knowledge base: what is declared, what the server tells, and how they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model.causes import Cause
from kbsync.model.files import DocKey

# No file has such a path: those of files are relative.
_PLACE = "/knowledge base/"


class Setting(StrEnum):
    """One setting of a knowledge base, as the configuration calls it."""

    DESCRIPTION = "description"
    PERMISSION = "permission"
    TECHNIQUE = "indexing_technique"
    EMBEDDING = "embedding_model"
    RETRIEVAL = "retrieval"
    TAGS = "tags"
    FIELDS = "fields"

    def key(self, mirror: str) -> DocKey:
        """Return what the journal, the log and reports call it, where a file has its path."""
        return DocKey(mirror=mirror, path=f"{_PLACE}{self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """A model for embeddings and its provider, as the server lists them."""

    model: str
    provider: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseSettings:
    """Settings of a knowledge base.

    None: not declared, so that it is left to whoever set it; or not told by the server.

    Args:
        permission: ``only_me``, ``all_team_members`` or ``partial_members``.
        members: ids of the members who see it, with ``partial_members`` alone.
        technique: ``economy`` or ``high_quality``.
        retrieval: the server's retrieval model (docs/dify-api.md section 10).
        tags: names.
        fields: types of metadata fields by name: ``string``, ``number`` or ``time``.
    """

    description: str | None = None
    permission: str | None = None
    members: frozenset[str] | None = None
    technique: str | None = None
    embedding: Embedding | None = None
    retrieval: Mapping[str, object] | None = None
    tags: frozenset[str] | None = None
    fields: Mapping[str, str] | None = None

    def of(self, setting: Setting) -> object:
        """Return one setting; None when there is none."""
        match setting:
            case Setting.PERMISSION:
                return None if self.permission is None else (self.permission, self.members)
            case Setting.TECHNIQUE:
                return self.technique
            case Setting.EMBEDDING:
                return self.embedding
        return getattr(self, setting.value)

    @property
    def named(self) -> tuple[Setting, ...]:
        """The settings there are, in the order in which they are shown and changed."""
        return tuple(each for each in Setting if self.of(each) is not None)

    def only(self, settings: Iterable[Setting]) -> BaseSettings:
        """Return some of them alone."""
        kept = frozenset(settings)
        names = {_MEMBERS.get(each, (each.value,)) for each in kept}
        return BaseSettings(**{name: getattr(self, name) for part in names for name in part})


UNDECLARED = BaseSettings()
_MEMBERS = {
    Setting.PERMISSION: ("permission", "members"),
    Setting.TECHNIQUE: ("technique", "embedding"),
    Setting.EMBEDDING: ("technique", "embedding"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseChange:
    """A declared setting that the knowledge base does not have.

    Args:
        base: the knowledge base's name.
        before: as the server tells it, in words; empty where it tells nothing, or is to be made.
        after: as declared.
        cause: new (the base is to be made), settings (declared anew) or drift.
        why: it is left as it is, for this reason; None when it is to be set.
    """

    mirror: str
    base: str
    setting: Setting
    before: str
    after: str
    cause: Cause
    why: Notice | None = None

    @property
    def key(self) -> DocKey:
        """What the journal and reports call it."""
        return self.setting.key(self.mirror)
