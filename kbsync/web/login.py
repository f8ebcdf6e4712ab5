"""The login: a form takes the token, and a cookie names the session that it begins."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from kbsync.messages import Notice
from kbsync.messages import daemon as say
from kbsync.web.rendering import HEADERS, Renderer
from kbsync.web.request_rules import LOGIN, RequestRules
from kbsync.web.sessions import COOKIE, LASTS

# Bytes of a form that is sent to this site.
LARGEST_FORM = 65_536


class NotAllowed(Exception):  # noqa: N818 - an answer, not a fault
    """A request that changes something and may not.

    Args:
        why: what is shown.
        status: of HTTP.
    """

    def __init__(self, why: Notice, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> None:
        super().__init__(str(why))
        self.why = why
        self.status = status


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form.

    Raises:
        NotAllowed: it is larger than any of this site.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_FORM:
            raise NotAllowed(say.TOO_MUCH_SENT(), HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    text = body.decode("ascii", "replace")
    return dict(parse_qsl(text, keep_blank_values=True, errors="replace"))


async def changing_form(access: RequestRules, request: Request) -> dict[str, str]:
    """Return what a form sent, once it is sure that it may change something.

    Args:
        access: judges requests, and knows who logged in.
        request: of the form.

    Raises:
        NotAllowed: it may not.
    """
    sent = await read_form(request)
    if not access.may_change(request.headers, sent.get("form", "")):
        raise NotAllowed(say.NOT_LOGGED_IN() if access.asks_for_token else say.NO_CHANGES_HERE())
    return sent


class Login:
    """Answers `/login` and `/logout`.

    Args:
        renderer: fills the form.
        access: judges requests, and keeps the sessions.
    """

    def __init__(self, renderer: Renderer, access: RequestRules) -> None:
        self._renderer = renderer
        self._access = access

    @property
    def routes(self) -> list[BaseRoute]:
        """Where it answers."""
        return [
            Route(LOGIN, self._page, methods=["GET"]),
            Route(LOGIN, self._begin, methods=["POST"]),
            Route("/logout", self._end, methods=["POST"]),
        ]

    async def _page(self, request: Request) -> Response:
        return self._asking(_inside(request.query_params.get("next", "")))

    def _asking(
        self, back: str, why: Notice | None = None, status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        return self._renderer.response("login.html", {"back": back, "why": why}, status)

    async def _begin(self, request: Request) -> Response:
        """Begin a session of who sent the token."""
        sent = await read_form(request)
        back, token = _inside(sent.get("next", "")), sent.get("token", "").strip()
        if not self._access.is_token(token):
            declared = self._access.asks_for_token
            why = say.WRONG_TOKEN() if declared else say.NO_CHANGES_HERE()
            return self._asking(back, why, HTTPStatus.FORBIDDEN)
        answer = led_to(back)
        answer.set_cookie(
            COOKIE,
            self._access.sessions.begin(token),
            max_age=int(LASTS),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def _end(self, request: Request) -> Response:
        await changing_form(self._access, request)
        self._access.sessions.end(request.headers.get("cookie", ""))
        answer = led_to("/")
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer


def led_to(place: str) -> Response:
    """Return the answer that has a browser ask for another page of this site."""
    return RedirectResponse(place, HTTPStatus.SEE_OTHER, HEADERS)


def _inside(place: str) -> str:
    """Return a path of this site, the first page for anything else."""
    sound = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if sound else "/"
