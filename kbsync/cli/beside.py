"""What `kbsync run` runs beside the mirrors where it is declared; imported only then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from kbsync.config import Settings, WebConfig
from kbsync.messages import Notice
from kbsync.service.admin import Admin
from kbsync.service.attached import Attachable, Attachment
from kbsync.service.event_log import EventLog

if TYPE_CHECKING:
    from kbsync.cluster.process import Beside, ClusterProcess


def _web(admin: Admin) -> Attachment:
    from kbsync.web.server import WebServer  # noqa: PLC0415

    assert admin.settings.web is not None  # noqa: S101 - made where it is declared
    return WebServer(admin, admin.settings.web)


async def _web_in_standby(
    settings: Settings, log: EventLog, why: Callable[[], Notice | None]
) -> None:
    from kbsync.web.server import answer_in_standby  # noqa: PLC0415

    assert settings.web is not None  # noqa: S101 - called where it is declared
    await answer_in_standby(settings.web, log, why)


def web_of_process(web: WebConfig, process: ClusterProcess) -> Beside:
    """Return the HTTP server of a process of a cluster.

    Args:
        web: the section that declares it.
        process: which it is part of.
    """
    from kbsync.web.cluster_server import ClusterWebServer  # noqa: PLC0415

    return ClusterWebServer(process, web)


def _notifications(admin: Admin) -> Attachment:
    from kbsync.service.notifications.watch import Notifications  # noqa: PLC0415

    return Notifications(admin, admin.settings.notify)


KINDS = (
    Attachable(lambda settings: settings.web, _web, _web_in_standby),
    Attachable(lambda settings: settings.notify, _notifications),
)
