"""The `notify` section: who is notified when a mirror is in trouble, and when it is over."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, JsonValue, SecretStr

from kbsync.config.config_file import Fault, Location, first_bytes
from kbsync.config.headers import Headers
from kbsync.config.types import FilePath, Section, lasting, not_empty, wanted
from kbsync.messages import config as messages

LONGEST_URL = 4096
PLACEHOLDER = re.compile(r"\{([a-z]+)\}")
PLACEHOLDERS = (
    *("event", "mirror", "summary", "code", "text", "next", "command"),
    *("host", "version", "at"),
)
Occasion = Literal["halt", "failure", "outage", "recovery", "heartbeat"]
_WAYS = ("url", "url_file", "command")
_IDLE_FOR_COMMANDS = ("method", "headers", "body")


def url_fault(url: str) -> str | None:
    """Return why `url` is no address to notify, without the address; None for a sound one."""
    if not (url.isascii() and url.isprintable()) or " " in url or len(url) > LONGEST_URL:
        return "blanks or characters beyond ASCII are in it, or it is too long"
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    return None if sound else "it does not start with http:// or https:// and a host"


def _url(value: SecretStr) -> SecretStr:
    if url_fault(value.get_secret_value()):
        raise wanted("a URL that starts with http:// or https:// is wanted")
    return value


def _words(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or not value[0] or any("\0" in word for word in value):
        raise wanted("a program and its words are wanted, as a list")
    return value


def _body(value: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    for name in _placeholders(dict(value)):
        if name not in PLACEHOLDERS:
            known = ", ".join(PLACEHOLDERS)
            raise wanted(f"known words between braces are wanted, not {{{name}}}: {known}")
    return value


def _placeholders(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield from PLACEHOLDER.findall(value)
    elif isinstance(value, list):
        for each in value:
            yield from _placeholders(each)
    elif isinstance(value, dict):
        yield from _placeholders(list(value.values()))


class NotifyTarget(Section):
    """One receiver: a URL, or a program."""

    url: Annotated[SecretStr, AfterValidator(_url)] | None = Field(
        default=None, description="Address that is called; never shown."
    )
    url_file: FilePath | None = Field(
        default=None, description="File that holds the address, such as a mounted secret."
    )
    command: Annotated[tuple[str, ...], AfterValidator(_words)] | None = Field(
        default=None,
        description="Program and its words, run without a shell: facts as JSON on its standard "
        "input and in variables KBSYNC_….",
    )
    events: Annotated[tuple[Occasion, ...], AfterValidator(not_empty)] = Field(
        default=("halt", "failure", "outage", "recovery"),
        description="When; each once until it is over. heartbeat: again and again while all is "
        "well.",
    )
    outage_after: Annotated[float, lasting(0, 7 * 86400)] = Field(
        default=600.0, description="An outage counts when the server is away for longer."
    )
    every: Annotated[float, lasting(1, 86400)] = Field(
        default=300.0, description="Time between two heartbeats."
    )
    method: Literal["POST", "GET"] = Field(
        default="POST", description="How the address is called; GET sends no body."
    )
    headers: Headers = Field(
        default_factory=dict, description="Headers of the call; values are never shown."
    )
    body: Annotated[Mapping[str, JsonValue], AfterValidator(_body)] | None = Field(
        default=None,
        description="JSON body; in its texts {summary}, {event}, {mirror} and others are filled "
        "in. By default an object with all facts.",
    )

    def __hash__(self) -> int:
        return hash((self.command, self.events))


def notify_disagreements(targets: Sequence[NotifyTarget]) -> Iterator[Fault]:
    """Yield what in a target does not go together."""
    for number, target in enumerate(targets):
        at: Location = ("notify", number)
        given = [way for way in _WAYS if getattr(target, way) is not None]
        if len(given) != 1:
            words = {"given": ", ".join(given) or "none"}
            yield Fault(message=messages.NOTIFY_WAY, at=at, words=words)
        for key in _IDLE_FOR_COMMANDS if given == ["command"] else ():
            if key in target.model_fields_set:
                yield Fault(message=messages.NOTIFY_IDLE, at=(*at, key))


def notify_warnings(targets: Sequence[NotifyTarget]) -> Iterator[Fault]:
    """Yield which targets cannot be reached from this machine as declared."""
    for number, target in enumerate(targets):
        at: Location = ("notify", number)
        if target.url_file is not None:
            url = read_url(target.url_file)
            if isinstance(url, str):
                words = {"path": target.url_file, "why": url}
                yield Fault(message=messages.NOTIFY_URL_UNUSABLE, at=(*at, "url_file"), words=words)
        if target.command is not None and shutil.which(target.command[0]) is None:
            words = {"program": target.command[0]}
            yield Fault(message=messages.NOTIFY_NO_PROGRAM, at=(*at, "command"), words=words)


def read_url(file: Path) -> SecretStr | str:
    """Return the address in `file`, or why it cannot be used, without the address."""
    try:
        text = first_bytes(file, LONGEST_URL + 2).decode("ascii").strip()
    except UnicodeDecodeError:
        return "characters beyond ASCII are in it"
    except OSError as error:
        return error.strerror or "it cannot be read"
    return url_fault(text) or SecretStr(text)
