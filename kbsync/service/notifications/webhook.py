"""A notification to a URL: one HTTP call, whose answer's status is all that is looked at."""

from __future__ import annotations

import httpx
from pydantic import SecretStr

from kbsync.config import NotifyTarget
from kbsync.config.notify import read_url
from kbsync.service.notifications.delivery import BOUND, Undelivered
from kbsync.service.notifications.facts import Notification


async def call(target: NotifyTarget, notification: Notification) -> None:
    """Call the URL of a target.

    Args:
        target: one with `url` or `url_file`; the file is read each time, so it may be replaced.
        notification: what is sent.

    Raises:
        Undelivered: no answer came, or another one than a success; the URL is not in it.
    """
    sent = target.method == "POST"
    headers = {name: value.get_secret_value() for name, value in target.headers.items()}
    try:
        async with (
            httpx.AsyncClient(timeout=BOUND) as http,
            http.stream(
                target.method,
                _url(target),
                json=notification.body(target.body) if sent else None,
                headers=headers,
            ) as answer,
        ):
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
        # The library's own text may have the URL in it.
        raise Undelivered(f"no answer ({type(fault).__name__})") from None
    if not 200 <= status < 300:
        raise Undelivered(f"it answered {status}")


def _url(target: NotifyTarget) -> str:
    if target.url is not None:
        return target.url.get_secret_value()
    assert target.url_file is not None  # noqa: S101 - `notify_disagreements` wants one of them
    found = read_url(target.url_file)
    if isinstance(found, SecretStr):
        return found.get_secret_value()
    raise Undelivered(found)
