"""Headers that every call to a server carries, for a gateway in front of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from kbsync.config.types import wanted

LONGEST_VALUE = 4096
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
# Those say whose call it is, what it carries, or how it is carried: kbsync writes them itself.
OURS = frozenset(
    {
        *("authorization", "proxy-authorization", "host", "accept", "accept-encoding"),
        *("content-type", "content-length", "content-encoding", "transfer-encoding"),
        *("connection", "keep-alive", "te", "trailer", "upgrade", "expect"),
    }
)


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise wanted("the name of a header is wanted: letters, digits and dashes")
    if name.lower() in OURS:
        raise wanted("kbsync sets this header itself; a gateway's own headers are wanted")
    return name


def _value(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or text != text.strip():
        raise wanted("a value without blanks or line ends at its ends is wanted")
    if not (text.isascii() and text.isprintable()) or len(text) > LONGEST_VALUE:
        raise wanted(f"at most {LONGEST_VALUE} printable ASCII characters are wanted")
    return value


def _one_each(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    if len({name.lower() for name in headers}) < len(headers):
        raise wanted("each header once is wanted; upper and lower case are the same")
    return headers


Headers = Annotated[
    Mapping[Annotated[str, AfterValidator(_name)], Annotated[SecretStr, AfterValidator(_value)]],
    AfterValidator(_one_each),
]
