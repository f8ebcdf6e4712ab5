"""The token of the daemon's HTTP server, and what else keeps that from working on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from kbsync.config.api_key import LONGEST_KEY
from kbsync.config.config_file import Fault, first_bytes
from kbsync.config.extra_packages import WEB, installing, not_installed
from kbsync.config.web import WebConfig
from kbsync.messages import config as messages

SHORTEST_TOKEN = 16


def read_token(file: Path) -> SecretStr | None:
    """Return the token in `file`; None when it cannot be read or is no sound token."""
    return None if _token_fault(file) else SecretStr(_text(file))


def web_faults(web: WebConfig) -> Iterator[Fault]:
    """Yield what keeps the HTTP server from working on this machine."""
    if missing := not_installed(WEB):
        words: dict[str, object] = {"missing": ", ".join(missing), **installing("web")}
        yield Fault(message=messages.WEB_EXTRA, at=("web",), words=words)
    if web.token_file is not None and (why := _token_fault(web.token_file)):
        words = {"path": web.token_file, "why": why}
        yield Fault(message=messages.WEB_TOKEN_UNUSABLE, at=("web", "token_file"), words=words)


def _token_fault(file: Path) -> str | None:
    """Return what is wrong with the token in `file`, without the token; None for a sound one."""
    try:
        text = _text(file)
    except UnicodeDecodeError:
        return "characters beyond ASCII are in it"
    except OSError as error:
        return error.strerror or "it cannot be read"
    if not text.isprintable() or " " in text or len(text) > LONGEST_KEY:
        return "blanks or control characters are in it, or it is too long"
    if len(text) < SHORTEST_TOKEN:
        return f"it is shorter than {SHORTEST_TOKEN} characters"
    return None


def _text(file: Path) -> str:
    return first_bytes(file, LONGEST_KEY + 2).decode("ascii").strip()
