"""The status page of a process that waits for the ledger: that it does, and for what."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kbsync.messages import Notice
from kbsync.web.login import Login
from kbsync.web.rendering import PackageFiles, Renderer
from kbsync.web.request_rules import RequestRules


def standby_app(access: RequestRules, why: Callable[[], Notice | None]) -> Starlette:
    """Return it.

    Args:
        access: judges requests, and knows who logged in.
        why: returns what is waited for.
    """
    renderer = Renderer()

    async def page(request: Request) -> Response:
        return renderer.response("standby.html", {"why": why()}, HTTPStatus.SERVICE_UNAVAILABLE)

    return Starlette(
        routes=[
            *Login(renderer, access).routes,
            Mount("/static", PackageFiles()),
            Route("/{rest:path}", page),
        ]
    )
