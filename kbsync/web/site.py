"""What every page of the site has: the daemon, the ledger's rows, who looks, and the templates."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from anyio.abc import TaskGroup
from starlette.requests import Request
from starlette.responses import Response

from kbsync.ledger.folder_rows import FolderRows
from kbsync.ledger.records import storable
from kbsync.messages import Problem
from kbsync.messages import command as command_say
from kbsync.service.admin import Admin
from kbsync.service.supervisor import SupervisedMirror
from kbsync.web.folder_counts import FolderCounts
from kbsync.web.overview import LiveOverview
from kbsync.web.page_commands import PageCommands
from kbsync.web.rendering import Renderer
from kbsync.web.request_rules import RequestRules

# Characters of a value in a URL.
LONGEST_VALUE = 16_384


class Site:
    """What the pages are made of.

    Args:
        admin: the daemon's.
        access: judges requests, and knows who logged in.
        group: where commands run that were given on a page.
        away_for: as for `kbsync.web.readiness.reasons`.
    """

    def __init__(
        self, admin: Admin, access: RequestRules, group: TaskGroup, *, away_for: float
    ) -> None:
        self.admin = admin
        self.access = access
        self.rows = FolderRows(admin.ledger.database)
        self.folders = FolderCounts(self.rows)
        self.live = LiveOverview(admin, self.rows, away_for=away_for)
        self.commands = PageCommands(admin, group)
        self.renderer = Renderer()

    def mirror(self, request: Request) -> SupervisedMirror:
        """Return the mirror that the path of a request names.

        Raises:
            Problem: there is none of that name.
        """
        name = request.path_params["name"]
        for each in self.admin.supervisor:
            if each.declared.name == name:
                return each
        known = ", ".join(each.declared.name for each in self.admin.supervisor)
        raise Problem(command_say.NO_SUCH_MIRROR(mirror=name, known=known))

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        **values: Any,
    ) -> Response:
        """Return a page, or a part of one, as an answer."""
        return self.renderer.response(template, {**self._of_visitor(request), **values}, status)

    def _of_visitor(self, request: Request) -> dict[str, Any]:
        session = self.access.session(request.headers)
        return {
            "form": session.form if session else "",
            "logged_in": session is not None,
            "asks_for_token": self.access.asks_for_token,
            "here": request.url.path,
            "mirrors": [each.declared.name for each in self.admin.supervisor],
        }


def asked(request: Request, key: str) -> str:
    """Return a value of the URL's query; empty where it is missing, or nothing the ledger keeps."""
    value = request.query_params.get(key, "")
    return value if len(value) <= LONGEST_VALUE and storable(value) else ""


def asked_number(request: Request, key: str) -> int | None:
    """Return a number of the URL's query, None where there is none."""
    value = request.query_params.get(key, "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else None
