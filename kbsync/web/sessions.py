"""Who logged in on the page: a cookie names a session, which holds as long as the token does."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie

from kbsync.lazy_dataclass import dataclass

COOKIE = "kbsync_session"
# Seconds a session lasts, and how many there are at most: the oldest ends for one more.
LASTS = 12 * 3600.0
MOST = 100


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One login.

    Args:
        form: what every form of its pages carries: a page of another site does not know it.
        token: digest of the token that was typed; another token ends the session.
        ends_at: when it is over, in seconds of a clock that never goes back.
    """

    form: str
    token: bytes
    ends_at: float

    def sent(self, form: str) -> bool:
        """Whether a form comes from a page of this session."""
        return hmac.compare_digest(form.encode(), self.form.encode())


class Sessions:
    """The sessions of one process; none outlasts it.

    Args:
        clock: returns seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_name: dict[str, LoginSession] = {}

    def begin(self, token: str) -> str:
        """Begin a session of who typed the token; return what its cookie holds."""
        name = secrets.token_urlsafe(32)
        while len(self._by_name) >= MOST:
            del self._by_name[next(iter(self._by_name))]
        ends_at = self._clock() + LASTS
        self._by_name[_digest(name).hex()] = LoginSession(
            secrets.token_urlsafe(32), _digest(token), ends_at
        )
        return name

    def of(self, cookies: str, token: str) -> LoginSession | None:
        """Return the session that a header of cookies names, None without one that holds.

        Args:
            cookies: the header `Cookie`.
            token: as its file has it now.
        """
        name = _cookie(cookies)
        found = self._by_name.get(_digest(name).hex()) if name else None
        if found is None or self._clock() >= found.ends_at:
            return None
        return found if hmac.compare_digest(found.token, _digest(token)) else None

    def end(self, cookies: str) -> None:
        """End the session that a header of cookies names."""
        self._by_name.pop(_digest(_cookie(cookies)).hex(), None)


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
