"""YAML text → plain values, each with its line; variables filled in; no bomb gets through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field

import yaml

from kbsync.config.config_file import Fault, Location, Refused
from kbsync.lazy_dataclass import dataclass
from kbsync.messages import config as messages

DEEPEST = 32
MOST_VALUES = 20_000
LONGEST_NUMBER = 400  # in base sixty, the time to read one grows with its square

_HALF = re.compile("[\ud800-\udfff]")
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEXT = frozenset({f"{_TAG}str", f"{_TAG}timestamp", f"{_TAG}value"})
_CONSTRUCTED = frozenset(f"{_TAG}{name}" for name in ("null", "bool", "int", "float"))


@dataclass(slots=True)
class YamlTree:
    """The file's values, and what was noticed on the way.

    Args:
        value: mappings, lists, text, numbers, truth values and None.
        lines: the line of every key and list entry, counted from 1.
        variables: for every value that took from the environment, the names it took.
        faults: everything wrong that did not stop the reading.
    """

    value: object = None
    lines: dict[Location, int] = field(default_factory=dict)
    variables: dict[Location, tuple[str, ...]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class BoundedLoader(yaml.SafeLoader):
    """A loader that stops at a depth, because the composer recurses, and at a number of values."""

    depth = 0
    count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose one node, as far as its depth and their number allow."""
        self.depth += 1
        self.count += 1
        line = self.line + 1
        if self.count > 2 * MOST_VALUES:  # keys are nodes, too
            raise Refused(_too_many(line))
        if self.depth > DEEPEST:
            words = {"limit": DEEPEST}
            raise Refused(Fault(message=messages.YAML_DEPTH, line=line, words=words))
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def parse(text: str, environ: Mapping[str, str]) -> YamlTree:
    """Return the tree of `text`.

    Raises:
        Refused: not YAML, more than one document, nested too deep, expanded too far, or empty.
    """
    loader = BoundedLoader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            raise Refused(Fault(message=messages.FILE_EMPTY))
        builder = _Builder(loader, environ)
        builder.tree.value = builder.value(root, ())
        return builder.tree
    except yaml.MarkedYAMLError as error:
        raise Refused(_syntax(error, text)) from None
    finally:
        loader.dispose()


def _syntax(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """Say where and what, without the parser's excerpt: a key may stand in that line."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = error.problem or error.context or "cannot be read"
    if "single document" in (error.context or ""):
        return Fault(message=messages.YAML_SEVERAL, line=line)
    source = text.splitlines()[line - 1 : line]
    if r"'\t'" in problem or (source and re.match(r"\s*\t", source[0])):
        return Fault(message=messages.YAML_TAB, line=line)
    if problem.startswith("found undefined alias") or error.context == "while scanning an alias":
        return Fault(message=messages.YAML_ALIAS, line=line)
    why = re.sub(r"(anchor|handle|directive) '.*", r"\1", problem, flags=re.DOTALL)
    return Fault(message=messages.YAML_SYNTAX, line=line, words={"why": why})


def _too_many(line: int) -> Fault:
    return Fault(message=messages.YAML_EXPANSION, line=line, words={"limit": MOST_VALUES})


class _Builder:
    """Walks the node tree once, expanding aliases under a count."""

    def __init__(self, loader: BoundedLoader, environ: Mapping[str, str]) -> None:
        self.tree = YamlTree()
        self._loader = loader
        self._environ = environ
        self._open: set[int] = set()
        self._count = 0

    def value(self, node: yaml.Node, at: Location) -> object:
        """Return what stands at `node`, noting its line."""
        self.tree.lines.setdefault(at, node.start_mark.line + 1)
        with self._inside(node, at):
            return self._built(node, at)

    @contextmanager
    def _inside(self, node: yaml.Node, at: Location) -> Iterator[None]:
        """Count the node, and refuse one that is inside itself."""
        line = node.start_mark.line + 1
        self._counted(1, line)
        if id(node) in self._open:
            raise Refused(Fault(message=messages.YAML_CYCLE, at=at, line=line))
        if len(self._open) > DEEPEST:  # aliases nest what is flat in the file
            words = {"limit": DEEPEST}
            raise Refused(Fault(message=messages.YAML_DEPTH, line=line, words=words))
        self._open.add(id(node))
        yield
        self._open.discard(id(node))

    def _counted(self, more: int, line: int) -> None:
        self._count += more
        if self._count > MOST_VALUES:
            raise Refused(_too_many(line))

    def _built(self, node: yaml.Node, at: Location) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.value(child, (*at, i)) for i, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        self._fault(Fault(message=messages.YAML_TAG, at=at, line=node.start_mark.line + 1))
        return None

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, object]:
        found: dict[str, object] = {}
        for key_node, value_node in self._pairs(node, at):
            location = (*at, key_node.value)
            self.tree.lines[location] = key_node.start_mark.line + 1
            found[key_node.value] = self.value(value_node, location)
        return found

    def _pairs(self, node: yaml.MappingNode, at: Location) -> list[tuple[yaml.Node, yaml.Node]]:
        """Return the keys and values of a mapping; its own win over those `<<` brings."""
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        brought: list[tuple[yaml.Node, yaml.Node]] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                brought += self._merged(value, at)
            elif not isinstance(key, yaml.ScalarNode) or key.tag not in _TEXT:
                self._fault(Fault(message=messages.YAML_KEY, at=at, line=line))
            elif first := own.get(key.value):
                words = {"first": first[0].start_mark.line + 1}
                twice = (*at, key.value)
                self._fault(Fault(message=messages.KEY_TWICE, at=twice, line=line, words=words))
            else:
                own[key.value] = key, value
        for key, value in brought:
            own.setdefault(key.value, (key, value))
        return list(own.values())

    def _merged(self, node: yaml.Node, at: Location) -> list[tuple[yaml.Node, yaml.Node]]:
        line = node.start_mark.line + 1
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        pairs: list[tuple[yaml.Node, yaml.Node]] = []
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._fault(Fault(message=messages.YAML_MERGE, at=at, line=line))
                continue
            with self._inside(source, at):
                self._counted(len(source.value), line)
                pairs += self._pairs(source, at)
        return pairs

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> object:
        if node.tag in _TEXT:
            return self._text(node, at)
        if node.tag in _CONSTRUCTED and len(node.value) <= LONGEST_NUMBER:
            try:
                return self._loader.construct_object(node)
            except (yaml.constructor.ConstructorError, ValueError):
                return str(node.value)
        if node.tag in _CONSTRUCTED:
            return str(node.value)
        self._fault(Fault(message=messages.YAML_TAG, at=at, line=node.start_mark.line + 1))
        return None

    def _text(self, node: yaml.ScalarNode, at: Location) -> str:
        line = node.start_mark.line + 1
        if _HALF.search(node.value):
            words = {"wanted": "text is wanted, and half a surrogate pair is none"}
            self._fault(Fault(message=messages.VALUE_WRONG, at=at, line=line, words=words))
            return ""
        try:
            text, names = substitute(node.value, self._environ)
        except UnsetError as error:
            words = {"variable": error.name}
            self._fault(Fault(message=messages.VARIABLE_UNSET, at=at, line=line, words=words))
        except MalformedError:
            self._fault(Fault(message=messages.VARIABLE_MALFORMED, at=at, line=line))
        else:
            if names:
                self.tree.variables[at] = names
            return text
        return str(node.value)

    def _fault(self, fault: Fault) -> None:
        self.tree.faults.append(fault)


# -- Variables: `${NAME}`, `${NAME:-default}` and `$$` in one value


_REFERENCE = re.compile(
    r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}|\{)"
)


class UnsetError(LookupError):
    """A variable without a value and without a default."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


class MalformedError(ValueError):
    """A `${` that names no variable."""


def substitute(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """Return `text` with its variables filled in, and the names of the variables it names.

    As in a shell, a default stands in for a variable that is unset or empty. What a variable
    holds is never looked into again, so it cannot bring in YAML or further variables.

    Raises:
        UnsetError: a variable is not set and has no default.
        MalformedError: `${` without a name and its closing brace.
    """
    names: list[str] = []

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        name, default = found["name"], found["default"]
        if name is None:
            raise MalformedError
        names.append(name)
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            raise UnsetError(name)
        return environ[name]

    return _REFERENCE.sub(value, text), tuple(names)
