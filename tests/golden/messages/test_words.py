"""Wherever a message is filled, it gets every word that its text and its advice want."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

from kbsync.messages import Message

ROOT = Path(__file__).parents[3]


def wanted(message: Message) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(f"{message.text}{message.advice}") if name}


def rooms(tree: ast.Module) -> dict[str, object]:
    """Return the rooms of the catalogue that a module imports, by the names it has for them."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "kbsync.messages":
            for each in node.names:
                if (ROOT / "kbsync" / "messages" / f"{each.name}.py").exists():
                    room = importlib.import_module(f"kbsync.messages.{each.name}")
                    found[each.asname or each.name] = room
    return found


def calls(tree: ast.Module) -> Iterator[tuple[Message, ast.Call]]:
    known = rooms(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute)):
                message = getattr(known.get(name), attribute, None)
                if isinstance(message, Message):
                    yield message, node


def test_no_word_is_missing() -> None:
    missing, count = {}, 0
    for file in sorted((ROOT / "kbsync").rglob("*.py")):
        for message, call in calls(ast.parse(file.read_text("utf-8"))):
            given = {each.arg for each in call.keywords}
            count += 1
            # Words that come as a mapping are seen where they are made.
            if None not in given and not wanted(message) <= given:
                missing[f"{file.name}:{call.lineno}"] = (message.code, wanted(message) - given)
    assert count > 200
    assert not missing
