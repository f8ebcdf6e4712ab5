"""What can go wrong between a client and a server, and who decides when it does."""

from __future__ import annotations

import enum
import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass


class Fault(enum.StrEnum):
    """What becomes of one request. `effect` is what the server did when the dust has settled."""

    DROP_BEFORE = "drop before"  # closed before the request is passed on
    DROP_AFTER = "drop after"  # passed on; the reply is dropped
    DELAY = "delay"  # passed on; the reply comes when the client has given up
    LATE = "late"  # passed on when the client has given up
    TRUNCATE = "truncate"  # passed on; half of the reply's body
    ERROR_BEFORE = "500 before"
    ERROR_AFTER = "500 after"
    GATEWAY_BEFORE = "502 before"
    GATEWAY_AFTER = "502 after"
    TOO_MANY = "429"  # with Retry-After: 1
    THROTTLE = "403 throttle"  # as Dify Cloud says it (docs/dify-api.md section 12)
    TRICKLE = "trickle"  # passed on; the reply comes a few bytes at a time
    GARBAGE = "garbage"  # passed on; what comes back is no HTTP
    NONSENSE = "nonsense"  # passed on; a success whose body is no JSON

    @property
    def effect(self) -> bool:
        """Whether the server gets the request."""
        return self not in _WITHOUT_EFFECT

    @property
    def harmless(self) -> bool:
        """Whether a patient client gets the server's reply all the same."""
        return self is Fault.TRICKLE

    @property
    def refusal(self) -> bool:
        """Return whether the reply says that nothing was done."""
        return self in (Fault.TOO_MANY, Fault.THROTTLE)


_WITHOUT_EFFECT = frozenset(
    {
        Fault.DROP_BEFORE,
        Fault.ERROR_BEFORE,
        Fault.GATEWAY_BEFORE,
        Fault.TOO_MANY,
        Fault.THROTTLE,
    }
)
# A throttled client is silent for a minute: it has a story of its own.
BRISK = tuple(fault for fault in Fault if fault is not Fault.THROTTLE)


class Verb(enum.StrEnum):
    """What a request does, as far as tests distinguish requests."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    MARK = "mark"
    READ = "read"
    OTHER = "other"

    @property
    def upload(self) -> bool:
        return self in (Verb.CREATE, Verb.UPDATE)


def verb_of(method: str, path: str) -> Verb:
    """Return what a request does.

    Args:
        method: in capitals.
        path: without its query.
    """
    if method in ("GET", "HEAD"):
        return Verb.READ
    last = path.rpartition("/")[2].replace("_", "-")
    if last == "create-by-file":
        return Verb.CREATE
    if last == "update-by-file" or (method == "PATCH" and "/documents/" in path):
        return Verb.UPDATE
    if method == "DELETE" and "/documents/" in path:
        return Verb.DELETE
    return Verb.MARK if last == "metadata" else Verb.OTHER


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as schedules see it: `subject` is the file's name or the path."""

    verb: Verb
    subject: str


Schedule = Callable[[Asked], Fault | None]


def fair(asked: Asked) -> Fault | None:
    """Nothing goes wrong."""
    return None


def always(fault: Fault, verb: Verb) -> Schedule:
    """Return a schedule under which every such request meets this fault."""
    return lambda asked: fault if asked.verb is verb else None


class Drawn:
    """Each request meets a fault with the same probability.

    What is drawn depends on the request and on how often it came, not on what else was under way:
    the same seed means the same faults however a machine orders four workers.

    Args:
        seed: where drawing starts.
        rate: how probable a fault is, from 0 to 1.
        among: the faults that are drawn.
    """

    def __init__(self, seed: int, rate: float, among: Collection[Fault] = BRISK) -> None:
        self._seed = seed
        self._rate = rate
        self._among = tuple(among)
        self._times: Counter[Asked] = Counter()

    def __call__(self, asked: Asked) -> Fault | None:
        self._times[asked] += 1
        drawn = random.Random(f"{self._seed} {asked.verb} {asked.subject} {self._times[asked]}")
        return drawn.choice(self._among) if drawn.random() < self._rate else None
