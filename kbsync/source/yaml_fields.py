"""Metadata values in YAML: front matter and sidecars. Bounded, and no variable is filled in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import yaml

from kbsync.config.config_file import Refused
from kbsync.config.yaml_tree import BoundedLoader
from kbsync.model import Typed
from kbsync.planning.metadata_types import text_of, time_of

_TAG = "tag:yaml.org,2002:"
_NULL, _BOOL, _TIME = f"{_TAG}null", f"{_TAG}bool", f"{_TAG}timestamp"
_NUMBERS = (f"{_TAG}int", f"{_TAG}float")
_LONGEST_NUMBER = 40


class NotUsableError(ValueError):
    """Why a YAML text is no metadata: a sentence for people, without its content."""


class Node(NamedTuple):
    """What stands at one key of a mapping."""

    loader: BoundedLoader
    node: yaml.Node

    @property
    def line(self) -> int:
        """The line it begins in, from 1."""
        return self.node.start_mark.line + 1


def mapping_of(text: str) -> Mapping[str, Node]:
    """Return the top level of `text` by key; empty where there is nothing in it.

    Raises:
        NotUsableError: it is no mapping, or not to be read.
    """
    try:
        loader = BoundedLoader(text)
        root = loader.get_single_node()
    except Refused as refused:
        line = refused.fault.line or 1
        raise NotUsableError(
            f"line {line}: it is nested too deep, or has too many values"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise NotUsableError(f"line {line}: {_words(error)}") from None
    except (yaml.YAMLError, ValueError):
        raise NotUsableError("it has a character that YAML does not allow") from None
    return {} if root is None else entries(Node(loader, root))


def entries(at: Node) -> Mapping[str, Node]:
    """Return what stands in a mapping, by key; keys are read as text.

    Raises:
        NotUsableError: it is no mapping, or has a key twice.
    """
    if isinstance(at.node, yaml.ScalarNode) and at.node.tag == _NULL:
        return {}
    if not isinstance(at.node, yaml.MappingNode):
        raise NotUsableError(f"line {at.line}: a mapping of keys is wanted")
    found: dict[str, Node] = {}
    for key, value in at.node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in found:
            raise NotUsableError(f"line {key.start_mark.line + 1}: a key that stands there twice")
        found[key.value] = Node(at.loader, value)
    return found


def typed(at: Node, *, quoted_times: bool) -> Typed | None:
    """Return a value with its type; None for null and for empty text.

    Numbers are numbers, timestamps are times, truth values and lists are text.

    Args:
        at: where it stands.
        quoted_times: a text that is an ISO date or time is a time, too.

    Raises:
        NotUsableError: it is a mapping, or a value that no server stores.
    """
    node = at.node
    if isinstance(node, yaml.SequenceNode):
        return _text(", ".join(_in_list(Node(at.loader, each)) for each in node.value), at)
    if not isinstance(node, yaml.ScalarNode):
        raise NotUsableError(f"line {at.line}: text, a number, a date or a list of them is wanted")
    if node.tag == _NULL:
        return None
    if node.tag in _NUMBERS:
        return _number(at)
    if node.tag == _TIME or quoted_times:
        return time_of(node.value) or _text(node.value, at)
    return _text(_plain(at), at)


def boolean(at: Node) -> bool:
    """Return a truth value.

    Raises:
        NotUsableError: it is none.
    """
    if not isinstance(at.node, yaml.ScalarNode) or at.node.tag != _BOOL:
        raise NotUsableError(f"line {at.line}: true or false is wanted")
    return bool(at.loader.construct_object(at.node))


def _words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "it cannot be read"
    # The parser may quote what stands there.
    return re.sub(r"(anchor|handle|directive|alias|character|token) ['\"].*", r"\1", problem)


def _text(text: str, at: Node) -> Typed | None:
    try:
        return text_of(text)
    except ValueError as error:
        raise NotUsableError(f"line {at.line}: {error}") from None


def _in_list(at: Node) -> str:
    if not isinstance(at.node, yaml.ScalarNode):
        raise NotUsableError(f"line {at.line}: a list of texts is wanted")
    return _plain(at)


def _plain(at: Node) -> str:
    if at.node.tag == _NULL:
        return ""
    if at.node.tag == _BOOL:
        return "true" if at.loader.construct_object(at.node) else "false"
    return str(at.node.value)


def _number(at: Node) -> Typed | None:
    text = str(at.node.value)
    if len(text) > _LONGEST_NUMBER:
        return _text(text, at)
    try:
        number = at.loader.construct_object(at.node)
    except ValueError:
        return _text(text, at)
    # `1:30` is a number in base sixty to YAML 1.1, and meant as text.
    if ":" in text or not math.isfinite(number):
        return _text(text, at)
    return Typed("number", number)
