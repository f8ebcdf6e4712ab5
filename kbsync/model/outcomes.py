"""How a call ends: expected failures are values."""

from __future__ import annotations

from typing import Generic, TypeVar

from kbsync.lazy_dataclass import dataclass
from kbsync.messages import Notice
from kbsync.model.documents import RemoteDocument

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Done(Generic[T_co]):
    """The call did what it says."""

    value: T_co


@dataclass(frozen=True, slots=True)
class Rejected:
    """Definitely refused: repeating the same call changes nothing."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Withheld(Rejected):
    """Refused whatever the file is: nothing is to be remembered of it, and others fare the same.

    `updates`: updates are refused too; otherwise there is no room for another document.
    """

    updates: bool = False


@dataclass(frozen=True, slots=True)
class Throttled:
    """Too many requests: all writers rest for `after` seconds; costs the document no attempt."""

    after: float


@dataclass(frozen=True, slots=True)
class NotReady:
    """Right call, wrong moment (document not available, locked, provider away)."""

    why: Notice
    after: float


@dataclass(frozen=True, slots=True)
class Gone:
    """404 for what the call names. While the base answers 200 this proves absence."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request never reached the server (connect, TLS, DNS, local read)."""

    why: Notice


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Sent, and not known whether it took effect (timeout, reset, 5xx).

    `withheld`: whatever else is sent fares the same, as in maintenance.
    """

    why: Notice
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """The key is wrong or may not do this; the mirror cannot go on."""

    why: Notice


Failure = Rejected | Throttled | NotReady | Gone | NotSent | Ambiguous | Unauthorized
Outcome = Done[T_co] | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The reply to an upload: the document and its batch (contract section 4.3).

    `content` is the sha256 of the bytes that really went out.
    """

    document: RemoteDocument
    batch: str | None
    content: str
