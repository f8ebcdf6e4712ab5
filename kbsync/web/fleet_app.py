"""The page of a process of a cluster: who is at work, and how far the shards of each mirror are."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from kbsync.cluster.process import ClusterProcess
from kbsync.messages import span
from kbsync.web.login import Login
from kbsync.web.rendering import PackageFiles, Renderer
from kbsync.web.request_rules import RequestRules


def fleet_app(access: RequestRules, process: ClusterProcess) -> Starlette:
    """Return it.

    Args:
        access: judges requests, and knows who logged in.
        process: which shows it.
    """
    renderer = Renderer()

    async def page(request: Request) -> Response:
        seen = await process.look()
        values = {
            "fleet": seen.fleet if seen else None,
            "jobs": seen.jobs if seen else {},
            "troubles": process.troubles(),
            "held": process.held,
            "span": span,
        }
        status = HTTPStatus.OK if seen else HTTPStatus.SERVICE_UNAVAILABLE
        return renderer.response("fleet.html", values, status)

    return Starlette(
        routes=[
            *Login(renderer, access).routes,
            Mount("/static", PackageFiles()),
            Route("/", page),
        ]
    )
