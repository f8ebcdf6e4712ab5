"""What `kbsync run` runs beside the mirrors where it is declared; imported only then."""

from __future__ import annotations

from kbsync.service.admin import Admin
from kbsync.service.attached import Attachable, Attachment


def _web(admin: Admin) -> Attachment:
    from kbsync.web.server import WebServer  # noqa: PLC0415

    assert admin.settings.web is not None  # noqa: S101 - made where it is declared
    return WebServer(admin, admin.settings.web)


def _notifications(admin: Admin) -> Attachment:
    from kbsync.service.notifications.watch import Notifications  # noqa: PLC0415

    return Notifications(admin, admin.settings.notify)


KINDS = (
    Attachable(lambda settings: settings.web, _web),
    Attachable(lambda settings: settings.notify, _notifications),
)
