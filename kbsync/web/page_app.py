"""The status page as an ASGI application; loaded by the first request for a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kbsync.messages import Notice, Problem
from kbsync.messages import command as command_say
from kbsync.web import changes, mirror_pages
from kbsync.web.event_stream import EventStreams
from kbsync.web.journal_page import journal_page
from kbsync.web.login import Login, NotAllowed
from kbsync.web.plan_page import PlanPages
from kbsync.web.rendering import PackageFiles
from kbsync.web.search_page import search_page
from kbsync.web.site import Site

Answer = Callable[[Site, Request], Awaitable[Response]]


class PageApp:
    """The pages of a working daemon.

    Args:
        site: what they are made of.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self.streams = EventStreams(site)
        plans = PlanPages()
        self.app = Starlette(
            routes=[
                self._get("/", overview_page),
                Route("/events", self.streams.answer),
                self._get("/mirrors/{name}", mirror_pages.mirror_page),
                self._get("/mirrors/{name}/level", mirror_pages.level_part),
                self._get("/mirrors/{name}/trouble", mirror_pages.trouble_page),
                self._get("/mirrors/{name}/halt", mirror_pages.halt_page),
                self._get("/mirrors/{name}/plan", plans.page),
                self._post("/mirrors/{name}/plan", plans.make),
                *(
                    self._post(f"/mirrors/{{name}}/{verb}", partial(changes.change, verb))
                    for verb in changes.VERBS
                ),
                self._get("/journal", journal_page),
                self._get("/search", search_page),
                *Login(site.renderer, site.access).routes,
                Mount("/static", PackageFiles()),
            ],
            exception_handlers={
                HTTPException: self._not_found,
                Problem: self._problem,
                NotAllowed: self._not_allowed,
            },
        )

    def _get(self, path: str, answer: Answer) -> Route:
        return Route(path, self._of_site(answer), methods=["GET"])

    def _post(self, path: str, answer: Answer) -> Route:
        return Route(path, self._of_site(answer), methods=["POST"])

    def _of_site(self, answer: Answer) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            return await answer(self._site, request)

        return answered

    def _said(self, request: Request, why: Notice, status: HTTPStatus) -> Response:
        return self._site.page(request, "problem.html", status=status, why=why, title=status.phrase)

    def _problem(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)  # noqa: S101 - registered for it alone
        missing = error.notice.message is command_say.NO_SUCH_MIRROR
        status = HTTPStatus.NOT_FOUND if missing else HTTPStatus.CONFLICT
        return self._said(request, error.notice, status)

    def _not_allowed(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, NotAllowed)  # noqa: S101 - registered for it alone
        return self._said(request, error.why, error.status)

    def _not_found(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for it alone
        status = HTTPStatus(error.status_code)
        return self._site.page(
            request, "problem.html", status=status, why=None, title=status.phrase
        )


async def overview_page(site: Site, request: Request) -> Response:
    """Answer with all mirrors."""
    return site.page(request, "overview.html", overview=await site.live.now())
