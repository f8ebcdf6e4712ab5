"""Dataclasses whose methods are compiled for the first object, not when their module is loaded.

`dataclasses.dataclass` compiles six functions for each frozen class, which takes 0.4 ms, and most
of the classes that a verb loads get no object. It does all of its work here too, only later.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

# How the first object comes to be: it is made, or a copy of one is read.
_FIRST = ("__init__", "__setstate__")
# What every class has by itself.
_NOT_TAKEN = {"__dict__", "__weakref__"}
_COMPLETING = RLock()

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(**options: bool):
        """Make a class a dataclass with slots at its first use.

        Args:
            options: as of `dataclasses.dataclass`; with `slots=True`.
        """
        if not options.get("slots"):
            raise TypeError("a dataclass has slots here")
        return lambda declared: _Lazy(declared, options).made


class _Lazy:
    """A class that will be a dataclass.

    Args:
        declared: the class as its module declares it.
        options: of `dataclasses.dataclass`.

    Attributes:
        made: the class with slots that takes its place.
    """

    def __init__(self, declared: type[Any], options: dict[str, bool]) -> None:
        self._declared, self._options = declared, options
        self._complete = False
        kinds = inspect.get_annotations(declared).items()
        names = tuple(name for name, kind in kinds if not str(kind).startswith("ClassVar"))
        body = {n: v for n, v in vars(declared).items() if n not in {*names, *_NOT_TAKEN}}
        late = {name: self._late(name) for name in _FIRST}
        fields = {"__slots__": names, "__dataclass_fields__": self}
        metaclass: Callable[..., type[Any]] = type(declared)
        words = {**late, **fields, **body}
        self.made = metaclass(declared.__name__, declared.__bases__, words)
        self.made.__qualname__ = declared.__qualname__

    def __get__(self, instance: object, owner: type[Any]) -> object:
        """Return the fields, which `fields` and the dataclasses of subclasses ask a class for."""
        self._do()
        return vars(self.made)["__dataclass_fields__"]

    def _late(self, name: str) -> object:
        def first(instance: object, *args: object, **values: object) -> None:
            self._do()
            getattr(self.made, name)(instance, *args, **values)

        return first

    def _do(self) -> None:
        with _COMPLETING:
            if self._complete:
                return
            known = {*vars(self.made)} - {*_FIRST, "__dataclass_fields__"}
            whole = dataclasses.dataclass(**self._options)(self._declared)
            for name, value in vars(whole).items():
                if name not in known and name not in _NOT_TAKEN:
                    setattr(self.made, name, value)
            self._complete = True
