"""What a server can do: one table of versions, and the frozen value that is made from it.

`TABLE` is the page docs/versions.md. Planning, engine and `dify` ask a `Capabilities` and never
compare versions themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum

from kbsync.lazy_dataclass import dataclass

Version = tuple[int, int, int]

# The oldest server whose API makes, updates, lists and deletes documents from files.
OLDEST: Version = (0, 6, 0)
ALWAYS: Version = (0, 0, 0)
# The end of a span that no version is known to end.
NEVER: Version = (1_000_000, 0, 0)


class Capability(StrEnum):
    """One thing that some servers can do and others cannot."""

    MERGE_BY_NAME = "merge_by_name"
    DELETE_BASE = "delete_base"
    SEARCH = "search"
    HYPHEN_ROUTES = "hyphen_routes"
    METADATA = "metadata"
    TAGS = "tags"
    GET_BASE = "get_base"
    SWITCH = "switch"
    GET_DOCUMENT = "get_document"
    LIST_BY_STATUS = "list_by_status"
    MERGE_METADATA = "merge_metadata"
    UPDATE_ENDS = "update_ends"
    DOWNLOAD = "download"
    ANY_NAME = "any_name"
    PIPELINE_UPLOAD = "pipeline_upload"
    PATCH_DOCUMENT = "patch_document"
    KEEPS_KEYWORDS = "keeps_keywords"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityRow:
    """One row of the table.

    Args:
        since: the first version that can do it.
        lacking: spans of later versions that cannot, each from its first to before its last.
        gives: what it is.
        otherwise: what kbsync does where it is missing.
        lost: what a user misses there; empty where kbsync makes up for it.
    """

    capability: Capability
    since: Version
    gives: str
    otherwise: str
    lost: str = ""
    lacking: tuple[tuple[Version, Version], ...] = ()

    def has(self, version: Version) -> bool:
        """Whether a server of `version` can do it."""
        gap = any(first <= version < end for first, end in self.lacking)
        return version >= self.since and not gap


TABLE: tuple[CapabilityRow, ...] = (
    CapabilityRow(
        capability=Capability.MERGE_BY_NAME,
        since=(0, 6, 5),
        gives='a create with `"duplicate": true` re-uses the enabled document of its name',
        otherwise="a document in error is deleted and created; an update that cannot be sent in "
        "place creates a second document and deletes the first once the second is indexed",
    ),
    CapabilityRow(
        capability=Capability.DELETE_BASE,
        since=(0, 6, 11),
        gives="`DELETE` of a knowledge base",
        otherwise="`mirror destroy` leaves an empty knowledge base behind",
    ),
    CapabilityRow(
        capability=Capability.SEARCH,
        since=(0, 10, 0),
        gives="`POST …/retrieve`",
        otherwise="`search` and the search of `doctor` are refused",
        lost="nothing can be searched for, so that no search proves that documents are found",
    ),
    CapabilityRow(
        capability=Capability.HYPHEN_ROUTES,
        since=(0, 11, 0),
        gives="routes spelled `create-by-file`, `update-by-file`",
        otherwise="`create_by_file` and `update_by_file` are called",
    ),
    CapabilityRow(
        capability=Capability.METADATA,
        since=(1, 1, 1),
        gives="metadata fields, in which documents carry the mark of their owner",
        otherwise="only the ledger knows which documents are ours; a renamed file is deleted and "
        "created; after a lost ledger every name is a conflict, which `adopt` resolves",
        lost="documents carry no marks: keep a copy of the ledger; a renamed file is embedded anew",
    ),
    CapabilityRow(
        capability=Capability.GET_BASE,
        since=(1, 2, 0),
        gives="`GET` and `PATCH` of a knowledge base",
        otherwise="the list of knowledge bases is read; what is declared of one is set when it is "
        "made, and a change of it is refused (KB-E224)",
    ),
    CapabilityRow(
        capability=Capability.TAGS,
        since=(1, 4, 2),
        gives="tags of knowledge bases (1.12.0 and 1.12.1 do not tell their ids)",
        otherwise="declared tags are refused (KB-E224)",
    ),
    CapabilityRow(
        capability=Capability.SWITCH,
        since=(1, 5, 0),
        gives="documents can be enabled, disabled, archived",
        otherwise="`docs enable` and the like are refused",
    ),
    CapabilityRow(
        capability=Capability.GET_DOCUMENT,
        since=(1, 5, 1),
        gives="`GET` of a document by its id, which proves absence",
        otherwise="a search for its name, and if that does not find it a complete listing",
    ),
    CapabilityRow(
        capability=Capability.LIST_BY_STATUS,
        since=(1, 10, 1),
        gives="documents can be listed by their status",
        otherwise="each document in progress is asked for by its batch",
    ),
    CapabilityRow(
        capability=Capability.MERGE_METADATA,
        since=(1, 10, 1),
        gives="metadata values that are not sent stay (`partial_update`)",
        otherwise="the values of others are read and sent along, as they are everywhere",
    ),
    CapabilityRow(
        capability=Capability.UPDATE_ENDS,
        since=ALWAYS,
        lacking=(((1, 12, 0), (1, 12, 2)),),
        gives="an update does not stop the indexing worker",
        otherwise="an update is sent as a create of the same name",
    ),
    CapabilityRow(
        capability=Capability.DOWNLOAD,
        since=(1, 13, 1),
        gives="the uploaded bytes can be read back",
        otherwise="`verify` and `adopt --trust content` are refused; `export` puts texts together "
        "from chunks",
        lost="what is stored cannot be compared with the files (verify, adopt --trust content)",
    ),
    CapabilityRow(
        capability=Capability.ANY_NAME,
        since=ALWAYS,
        lacking=(((1, 2, 0), (1, 13, 1)),),
        gives='file names with `: * ? " < > |` are accepted',
        otherwise="nothing else: kbsync escapes them on every server, so that a name outlives an "
        "upgrade",
    ),
    CapabilityRow(
        capability=Capability.PIPELINE_UPLOAD,
        since=(1, 13, 0),
        gives="knowledge bases with a pipeline take files: an update is a second document, and the "
        "first is deleted once the second is indexed",
        otherwise="such a knowledge base is refused (KB-E080)",
    ),
    CapabilityRow(
        capability=Capability.PATCH_DOCUMENT,
        since=(1, 16, 0),
        gives="`PATCH` of a document, where `update-by-file` is deprecated",
        otherwise="`POST …/update-by-file`",
    ),
    CapabilityRow(
        capability=Capability.KEEPS_KEYWORDS,
        since=ALWAYS,
        lacking=(((1, 16, 0), NEVER),),
        gives="documents of an economy base that are indexed at the same time can all be found",
        otherwise="one document of an economy base is in flight (`max_indexing` of a mirror wins), "
        "and each is searched for before it counts as synced; elsewhere a sample is",
    ),
)

_SINCE = {row.capability: row.since for row in TABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the server at hand can do: by its version, corrected by what it was seen to do.

    ``Capability.X in capabilities`` says whether it can; what is not known counts as no.

    Args:
        version: `X-Version` of the replies; None when there was none.
        seen: what replies proved, whatever the version says: True for there, False for missing.
    """

    version: str | None = None
    seen: frozenset[tuple[Capability, bool]] = frozenset()

    def __contains__(self, capability: Capability) -> bool:
        return self.state(capability) is True

    def state(self, capability: Capability) -> bool | None:
        """Return whether the server can do it, None when nothing says so."""
        for known, able in self.seen:
            if known is capability:
                return able
        numbers = numbers_of(self.version)
        return None if numbers is None else _row(capability).has(numbers)

    def proven(self, capability: Capability) -> bool:
        """Whether the server was seen to do it."""
        return (capability, True) in self.seen

    def noting(self, capability: Capability, able: bool) -> Capabilities:
        """Return what is known once the server was seen to do it, or not to."""
        others = {each for each in self.seen if each[0] is not capability}
        return replace(self, seen=frozenset(others | {(capability, able)}))

    def predating(self, capability: Capability) -> Capabilities:
        """Return what is known once the server proved older than `capability`.

        Of a server that tells no version: it lacks that, and whatever came later; faults that came
        later it does not have either.
        """
        before = _SINCE[capability]
        learnt = {row.capability: False for row in TABLE if row.since >= before}
        always = (row for row in TABLE if row.since == ALWAYS)
        sound = (row for row in always if all(first >= before for first, _ in row.lacking))
        learnt |= {row.capability: True for row in sound}
        new = {(each, able) for each, able in learnt.items() if self.state(each) is None}
        return replace(self, seen=self.seen | new)

    def checked_again(self) -> Capabilities:
        """Return what of this counts in a new process.

        What was missing although the version has it is looked for once more: a gateway that was
        wrong for a moment must not cost the server's documents their marks for good.
        """
        told = Capabilities(version=self.version)
        kept = {(each, able) for each, able in self.seen if able or each not in told}
        return replace(self, seen=frozenset(kept))

    @property
    def may_search(self) -> bool:
        """Whether a search may be tried: not where the server is known to be older than it."""
        ages = self.state(Capability.SEARCH), self.state(Capability.METADATA)
        return ages[0] is True or (ages[0] is None and ages[1] is not False)

    @property
    def unknown(self) -> frozenset[Capability]:
        """Everything about which neither the version nor a reply says anything."""
        return frozenset(each for each in Capability if self.state(each) is None)

    @property
    def too_old(self) -> bool:
        """Whether the version is one that no way of kbsync works with."""
        numbers = numbers_of(self.version)
        return numbers is not None and numbers < OLDEST

    @property
    def losses(self) -> tuple[str, ...]:
        """What a user is known to miss on this server, in the order of the table."""
        missing = (row for row in TABLE if self.state(row.capability) is False)
        return tuple(row.lost for row in missing if row.lost)


def numbers_of(version: str | None) -> Version | None:
    """Return the three numbers of a version as a server tells it, None when it has none."""
    found = re.match(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", version or "")
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def text_of(version: Version) -> str:
    """Return a version as people write it."""
    return ".".join(map(str, version))


def since(capability: Capability) -> str:
    """Return the first version that can do it, as people write it."""
    return text_of(_SINCE[capability])


def noted(version: str | None, seen: Iterable[tuple[str, bool]]) -> Capabilities:
    """Return what a ledger kept; a capability that this kbsync does not know is left out."""
    known = {each.value: each for each in Capability}
    kept = frozenset((known[name], bool(able)) for name, able in seen if name in known)
    return Capabilities(version=version, seen=kept)


def _row(capability: Capability) -> CapabilityRow:
    return _ROWS[capability]


_ROWS = {row.capability: row for row in TABLE}
