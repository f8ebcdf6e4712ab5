"""Who may ask, and who may change something."""

from __future__ import annotations

from pathlib import Path

import pytest

from kbsync.config import WebConfig
from kbsync.web.request_rules import NO_TOKEN, OTHER_SITE, WRONG_HOST, RequestRules
from kbsync.web.sessions import COOKIE, LASTS, MOST, Sessions

TOKEN = "token-of-the-rules-0123456789"
HOST = {"host": "127.0.0.1:9464"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    return file


def rules(**more: object) -> RequestRules:
    return RequestRules(WebConfig.model_validate(more))


def logged_in(access: RequestRules) -> tuple[dict[str, str], str]:
    """Return the headers of who logged in, and what the forms carry."""
    headers = {**HOST, "cookie": f"other=1; {COOKIE}={access.sessions.begin(TOKEN)}"}
    session = access.session(headers)
    assert session is not None
    return headers, session.form


def test_reads_are_open_where_no_token_is_declared() -> None:
    assert rules().refusal("GET", "/mirrors/docs", HOST) is None
    assert not rules().may_change(HOST, "")


def test_with_a_token_everything_but_health_and_the_login_needs_it(file: Path) -> None:
    access = rules(token_file=str(file))
    for path in ("/", "/metrics", "/events", "/mirrors/docs"):
        assert access.refusal("GET", path, HOST) is NO_TOKEN
    for path in ("/healthz", "/readyz", "/login", "/static/page.css"):
        assert access.refusal("GET", path, HOST) is None
    headers, _ = logged_in(access)
    assert access.refusal("GET", "/", headers) is None
    bearer = {"host": "any.example", "authorization": f"Bearer {TOKEN}"}
    assert access.refusal("GET", "/", bearer) is None


def test_reads_may_be_open_and_changes_not(file: Path) -> None:
    access = rules(token_file=str(file), token_for="changes")
    assert access.refusal("GET", "/mirrors/docs", HOST) is None
    assert not access.may_change(HOST, "")
    headers, form = logged_in(access)
    assert access.may_change(headers, form)
    assert not access.may_change(headers, "")
    assert not access.may_change(headers, form + "x")
    assert not access.may_change(HOST, form)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://other.example"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://127.0.0.1:9464.other.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "null", "sec-fetch-site": "cross-site"},
    ],
)
def test_no_other_site_sends_a_form(file: Path, headers: dict[str, str]) -> None:
    access = rules(token_file=str(file))
    login, _ = logged_in(access)
    bearer = {"authorization": f"Bearer {TOKEN}"}
    for more in (login, bearer):
        asked = {**HOST, **more, **headers}
        assert access.refusal("POST", "/mirrors/docs/pause", asked) is OTHER_SITE


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:9464", "sec-fetch-site": "same-origin"},
        {"origin": "http://127.0.0.1:9464"},
        {"origin": "null", "sec-fetch-site": "same-origin"},
    ],
)
def test_a_form_of_this_site_is_let_in(file: Path, headers: dict[str, str]) -> None:
    access = rules(token_file=str(file))
    login, _ = logged_in(access)
    assert access.refusal("POST", "/mirrors/docs/pause", {**login, **headers}) is None


def test_a_session_does_not_help_a_name_that_is_led_here(file: Path) -> None:
    access = rules(token_file=str(file))
    headers, _ = logged_in(access)
    headers |= {"host": "rebound.example"}
    assert access.refusal("GET", "/", headers) is WRONG_HOST
    assert rules(hosts=["rebound.example"]).refusal("GET", "/", headers) is None


def test_another_token_ends_every_session(file: Path) -> None:
    access = rules(token_file=str(file))
    headers, form = logged_in(access)
    file.write_text("another-token-0123456789")
    assert access.session(headers) is None
    assert not access.may_change(headers, form)
    file.unlink()
    assert access.session(headers) is None


def test_a_session_ends_after_its_time_and_at_the_logout() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    cookies = f"{COOKIE}={sessions.begin(TOKEN)}"
    assert sessions.of(cookies, TOKEN) is not None
    now[0] = LASTS
    assert sessions.of(cookies, TOKEN) is None
    now[0] = 0.0
    sessions.end(cookies)
    assert sessions.of(cookies, TOKEN) is None
    for broken in ("", f"{COOKIE}=", "=;;=\x00", f"{COOKIE}=caf\xe9"):
        assert sessions.of(broken, TOKEN) is None


def test_the_oldest_session_ends_for_one_too_many() -> None:
    sessions = Sessions()
    names = [sessions.begin(TOKEN) for _ in range(MOST + 1)]
    assert sessions.of(f"{COOKIE}={names[0]}", TOKEN) is None
    assert sessions.of(f"{COOKIE}={names[1]}", TOKEN) is not None


def test_no_token_is_kept() -> None:
    sessions = Sessions()
    name = sessions.begin(TOKEN)
    kept = repr(sessions.__dict__) + repr(sessions._by_name)
    assert TOKEN not in kept
    assert name not in kept
