"""What the ledger keeps of a whole mirror."""

from __future__ import annotations

from kbsync.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The base and server of a mirror: asked for before anything is decided (design, section 4).

    Args:
        device: what the source is on, None where that is not known.
        settings: what of the base was declared and applied last, as JSON; None for nothing.
    """

    mirror: str
    server: str
    base_id: str
    base_name: str
    source: str
    device: int | None = None
    settings: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """The owner token by which a ledger marks the documents of a mirror.

    Args:
        token: a new one whenever a ledger takes a mirror over.
        predecessors: tokens whose documents were taken over then.
        whole: every document of the base was seen then; otherwise there may be more.
    """

    token: str
    predecessors: frozenset[str] = frozenset()
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehash:
    """How far the rolling re-hash of a mirror has come.

    Args:
        after: the last path that was hashed; empty at the start of a round.
        since: when the round began (seconds of the ledger's clock).
    """

    after: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldBack:
    """What the guard held back when a mirror was compared last.

    Args:
        digest: names the set, for a release.
        changes: how many there are.
        reasons: code and sentence of each.
    """

    digest: str
    changes: int
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCreates:
    """The base of a mirror takes no new documents now.

    Args:
        reason: the server's refusal, as code and sentence.
        since: when it was given first (seconds of the ledger's clock).
        probe_at: one create is tried then.
    """

    reason: tuple[str, str]
    since: float
    probe_at: float
