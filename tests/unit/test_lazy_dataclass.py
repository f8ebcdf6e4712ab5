"""A lazy dataclass is one of the standard library, whatever is asked of it first."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from kbsync import lazy_dataclass

T = TypeVar("T")


def declared(dataclass: Any) -> dict[str, Any]:
    """Return classes of every kind that kbsync has, made by one decorator."""

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Frozen:
        """Has all kinds of defaults."""

        kind: ClassVar[str] = "frozen"
        text: str
        number: int = 1
        many: list[int] = dataclasses.field(default_factory=lambda: [1])
        secret: str = dataclasses.field(default="secret", repr=False)
        ignored: int = dataclasses.field(default=0, compare=False)

        @property
        def doubled(self) -> int:
            """Twice the number."""
            return 2 * self.number

    @dataclass(frozen=True, slots=True)
    class Base:
        text: str

    @dataclass(frozen=True, slots=True)
    class Derived(Base):
        number: int = 2

    @dataclass(frozen=True, slots=True)
    class Holder(Generic[T]):
        value: T

    @dataclass(frozen=True, slots=True, order=True)
    class Ordered:
        number: int

    @dataclass(slots=True)
    class Changing:
        number: int
        half: float = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            self.half = self.number / 2

    @dataclass(slots=True, eq=False)
    class Same:
        number: int

    return {name: found for name, found in locals().items() if isinstance(found, type)}


STANDARD = declared(dataclasses.dataclass)
QUESTIONS: dict[str, Callable[[dict[str, Any]], object]] = {
    "repr": lambda c: repr(c["Frozen"](text="a", many=[2])),
    "equal": lambda c: c["Frozen"](text="a", ignored=1) == c["Frozen"](text="a", ignored=2),
    "unequal": lambda c: c["Frozen"](text="a") == c["Frozen"](text="b"),
    "of another class": lambda c: c["Base"]("a") == c["Derived"]("a"),
    "hash": lambda c: hash(c["Derived"]("a")) == hash(c["Derived"]("a", 2)),
    "no hash": lambda c: c["Changing"].__hash__ if c["Changing"](1) else 0,
    "hash of what is compared by identity": lambda c: c["Same"](1) == c["Same"](1),
    "fields": lambda c: [(f.name, f.repr, f.compare) for f in dataclasses.fields(c["Frozen"])],
    "fields of a subclass": lambda c: [f.name for f in dataclasses.fields(c["Derived"])],
    "is one": lambda c: [dataclasses.is_dataclass(each) for each in c.values()],
    "replace": lambda c: repr(dataclasses.replace(c["Frozen"](text="a"), number=5)),
    "as a dict": lambda c: dataclasses.asdict(c["Derived"]("a")),
    "order": lambda c: sorted([c["Ordered"](2), c["Ordered"](1)])[0].number,
    "own members": lambda c: (c["Frozen"](text="a").doubled, c["Frozen"].kind),
    "after init": lambda c: c["Changing"](3).half,
    "defaults are not shared": lambda c: c["Frozen"](text="").many is c["Frozen"](text="").many,
    "generic": lambda c: (c["Holder"](4).value, c["Holder"].__parameters__),
    "slots": lambda c: [each.__slots__ for each in c.values()],
    "no dict": lambda c: hasattr(c["Frozen"](text="a"), "__dict__"),
    "doc": lambda c: (c["Frozen"].__doc__, c["Frozen"].__qualname__, c["Frozen"].__module__),
    "parameters": lambda c: c["Frozen"](text="") and str(inspect.signature(c["Frozen"])),
    "matched": lambda c: c["Derived"]("a", 3).__match_args__,
    "copy": lambda c: repr(copy.copy(c["Derived"]("a", 3))),
    "deep copy": lambda c: repr(copy.deepcopy(c["Frozen"](text="a"))),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_that_of_the_standard_library(question: str) -> None:
    lazy = declared(lazy_dataclass.dataclass)
    assert QUESTIONS[question](lazy) == QUESTIONS[question](STANDARD)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c: c["Frozen"](),
        lambda c: c["Frozen"]("a"),
        lambda c: c["Frozen"](text="a", other=1),
        lambda c: setattr(c["Frozen"](text="a"), "text", "b"),
        lambda c: delattr(c["Derived"]("a"), "number"),
        lambda c: {c["Changing"](1)},
        lambda c: setattr(c["Changing"](1), "unknown", 1),
        lambda c: c["Base"]("a") < c["Base"]("b"),
    ],
)
def test_the_error_is_that_of_the_standard_library(wrong: Callable[[Any], object]) -> None:
    with pytest.raises(Exception) as expected:  # noqa: PT011 - whichever it is
        wrong(STANDARD)
    with pytest.raises(type(expected.value)) as found:
        wrong(declared(lazy_dataclass.dataclass))
    assert str(found.value) == str(expected.value)


def test_methods_are_made_for_the_first_object(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    usual = dataclasses.dataclass

    def counted(**options: bool) -> Callable[[type[Any]], type[Any]]:
        def one(declared: type[Any]) -> type[Any]:
            made.append(declared.__name__)
            return usual(**options)(declared)

        return one

    monkeypatch.setattr(dataclasses, "dataclass", counted)
    lazy = declared(lazy_dataclass.dataclass)
    assert made == []
    lazy["Derived"]("a")
    lazy["Derived"]("b")
    assert made == ["Derived", "Base"]


STORED = """
from __future__ import annotations
import pickle, sys
from kbsync.lazy_dataclass import dataclass

@dataclass(frozen=True, slots=True)
class Stored:
    number: int

if sys.argv[1:] == ["write"]:
    print(pickle.dumps(Stored(3)).hex())
else:
    read = pickle.loads(bytes.fromhex(sys.argv[1]))
    print(read, read == Stored(3), hash(read) == hash(Stored(3)))
"""


def test_the_first_object_may_be_unpickled() -> None:
    def said(word: str) -> str:
        run = [sys.executable, "-c", STORED, word]
        return subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()

    assert said(said("write")) == "Stored(number=3) True True"


def test_threads_may_make_the_first_object_at_once() -> None:
    for _ in range(20):
        lazy = declared(lazy_dataclass.dataclass)
        together = Barrier(8)

        def one(number: int, lazy: Any = lazy, together: Barrier = together) -> list[int]:
            together.wait()
            found: list[int] = lazy["Frozen"](text=str(number)).many
            return found

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(one, range(8))) == [[1]] * 8


def test_slots_are_required() -> None:
    with pytest.raises(TypeError, match="slots"):
        lazy_dataclass.dataclass(frozen=True)
