"""Encodings as the configuration names them: `encoding` of a mirror and of a rule."""

from __future__ import annotations

import codecs
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from kbsync.config.types import not_empty, wanted

AUTO = "auto"
# Encodings of names and of programs' source, not of files.
_NO_FILES = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"})


def _listed(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple):
        raise wanted("auto, the name of an encoding, or a list of names is wanted")
    return value


def _text_encoding(value: str) -> str:
    name = value.strip().lower()
    if name == AUTO:
        return name
    try:
        "".encode(name)  # what is no encoding of text, such as rot13 or base64, is refused here
        found = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        found = ""
    if not found or found in _NO_FILES:
        raise wanted("auto or the name of an encoding is wanted, such as gbk, shift_jis or cp1250")
    return name


def _in_turn(value: tuple[str, ...]) -> tuple[str, ...]:
    if AUTO in value[:-1]:
        raise wanted("auto is the last of the list: it takes every text")
    return not_empty(value)


Encodings = Annotated[
    tuple[Annotated[str, AfterValidator(_text_encoding)], ...],
    BeforeValidator(_listed, json_schema_input_type=str | tuple[str, ...]),
    AfterValidator(_in_turn),
]
