"""Which endpoint answers an address (docs/dify-api.md section 2)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .call import UUID, Endpoint

BASE_PATH: Final = "/v1"
# These parts of an address may hold any text; all others must be UUIDs.
FREE: Final = frozenset({"batch", "action", "type"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method on one address. `counted`: the cloud's rate limit counts it (section 12)."""

    method: str
    template: str
    endpoint: Endpoint
    counted: bool = False
    multipart: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """An address that exists: its routes by method and the parts it names."""

    template: str
    methods: Mapping[str, Route]
    path: Mapping[str, str]


class Router:
    """All routes, found by the number of slashes first and by their shape second."""

    def __init__(self, routes: list[Route]) -> None:
        self._addresses: dict[int, list[tuple[re.Pattern[str], str, dict[str, Route]]]] = {}
        by_template: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_template.setdefault(route.template, {})[route.method] = route
        for template, methods in by_template.items():
            shelf = self._addresses.setdefault(template.count("/"), [])
            shelf.append((_pattern(template), template, methods))
        self._templates = list(by_template)

    def match(self, url_path: str) -> Match | None:
        """The address of that path, or None when there is none."""
        inner = url_path.removeprefix(BASE_PATH)
        if inner == url_path:
            return None
        for pattern, template, methods in self._addresses.get(inner.count("/"), []):
            if found := pattern.fullmatch(inner):
                parts = {
                    name: text if name in FREE else text.lower()
                    for name, text in found.groupdict().items()
                }
                return Match(template, methods, parts)
        return None

    def suggestion(self, message: str, url_path: str) -> str:
        """The message with the real server's guesses at what the caller meant (section 1.2)."""
        rules = {BASE_PATH + re.sub(r"\{.*\}", "", name): name for name in self._templates}
        close = difflib.get_close_matches(url_path, list(rules))
        if not close:
            return message
        meant = " or ".join(BASE_PATH + _flask(rules[name]) for name in close)
        return (
            f"{message.rstrip('.')}. You have requested this URI [{url_path}] "
            f"but did you mean {meant} ?"
        )


def _pattern(template: str) -> re.Pattern[str]:
    def group(found: re.Match[str]) -> str:
        shape = "[^/]+" if found[1] in FREE else UUID.pattern
        return f"(?P<{found[1]}>{shape})"

    return re.compile(re.sub(r"\{(\w+)\}", group, template))


def _flask(template: str) -> str:
    names = {"ds": "dataset_id", "doc": "document_id", "seg": "segment_id", "id": "child_chunk_id"}
    return re.sub(r"\{(\w+)\}", lambda found: f"<uuid:{names.get(found[1], found[1])}>", template)
