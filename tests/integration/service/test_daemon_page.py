"""The status page of a daemon in this process, asked over real connections."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from daemon_running import Running, configure, mirror, running, until

from kbsync.engine.control.controller import Phase
from kbsync.ledger.store import LedgerStore
from kbsync.messages import guard
from kbsync.model import Binding, DocKey, Halted
from kbsync.web import site as site_module
from kbsync.web.rendering import HEADERS
from kbsync.web.search_page import text_beside

pytestmark = pytest.mark.anyio
TOKEN = "token-of-the-page-0123456789"
BASE = "00000000-0000-4000-8000-000000000001"
HELD = guard.HALTED_ROOT(mirror="docs", reason="gone", count=9, documents=9, digest="1234abcd")
VIEWS = (
    *("/", "/mirrors/docs", "/mirrors/docs/level", "/mirrors/docs/trouble", "/mirrors/docs/halt"),
    *("/mirrors/docs/plan", "/journal", "/search", "/login", "/nothing", "/static/page.js"),
)


class Asked:
    """The page of a daemon.

    Args:
        daemon: answers.
        url: of its HTTP server.
        http: asks.
    """

    def __init__(self, daemon: Running, http: httpx.AsyncClient) -> None:
        self.daemon = daemon
        self.http = http
        self.sites: list[site_module.Site] = []

    @property
    def site(self) -> site_module.Site:
        """What the pages are made of, once one was asked for."""
        (found,) = self.sites
        return found

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.http.get(path, headers=headers)


@asynccontextmanager
async def asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, web: str = ""
) -> AsyncIterator[Asked]:
    more = f'web: {{listen: "127.0.0.1:0"{web}}}\n'
    configure(folder, mirror("docs"), mirror("wiki"), more=more)
    made: list[site_module.Site] = []
    true = site_module.Site

    def noted(*words: Any, **named: Any) -> site_module.Site:
        made.append(true(*words, **named))
        return made[-1]

    monkeypatch.setattr(site_module, "Site", noted)
    async with running(folder) as daemon:
        await until(lambda: daemon.said("web listens"))
        url = daemon.said("web listens")[0]["url"]
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            found = Asked(daemon, http)
            found.sites = made
            yield found


async def test_every_view_has_the_headers_and_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    more = ", token_file: ./token, token_for: changes"
    async with asked(tmp_path, monkeypatch, web=more) as page:
        for view in VIEWS:
            answer = await page.get(view)
            assert answer.status_code == (404 if view == "/nothing" else 200), view
            for name, value in HEADERS.items():
                if not view.startswith("/static/") or name != "cache-control":
                    assert answer.headers[name] == value, (view, name)
            assert TOKEN not in answer.text


async def test_nothing_is_made_before_a_page_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        for path in ("/healthz", "/readyz", "/metrics"):
            await page.get(path)
        assert page.sites == []
        await page.get("/static/page.css")
        assert len(page.sites) == 1
        assert page.site.live.gathered == 0


async def test_visitors_share_what_is_gathered_and_nothing_is_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        heard: list[str] = []

        async def look(place: str) -> None:
            async with page.http.stream("GET", place) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                async for line in answer.aiter_lines():
                    heard.append(line)

        began = time.monotonic()
        with anyio.move_on_after(3.3):
            async with anyio.create_task_group() as group:
                for place in ("/events", "/events", "/events?mirror=docs", "/events"):
                    group.start_soon(look, place)
        seconds = time.monotonic() - began
        assert 2 <= page.site.live.gathered <= seconds + 1
        assert sum(line.startswith("data: ") for line in heard) >= 4
        wiki = [line for line in heard if "mirror-wiki" in line]
        assert len(wiki) == 3  # who looks at docs alone is sent docs alone
        before = page.site.live.gathered
        await anyio.sleep(1.5)
        assert page.site.live.gathered == before


async def test_a_change_reaches_who_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        with anyio.fail_after(20):
            async with page.http.stream("GET", "/events?mirror=docs") as answer:
                async for line in answer.aiter_lines():
                    if "watching" in line:
                        page.daemon.controllers["docs"].become(Phase.HALTED, why=HELD)
                    if "halted" in line:
                        break


async def test_a_stream_ends_with_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        asked(tmp_path, monkeypatch) as page,
        page.http.stream("GET", "/events") as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 3000"
        page.daemon.stop()
        with anyio.fail_after(10), suppress(httpx.RemoteProtocolError):
            async for _ in lines:
                pass


async def test_without_a_declared_token_nothing_can_be_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        for verb in ("pause", "resume", "sync", "release", "retry"):
            answer = await page.http.post(f"/mirrors/docs/{verb}")
            assert answer.status_code == 403
            assert "KB-K370" in answer.text
        answer = await page.http.post("/login", data={"token": ""})
        assert answer.status_code == 403
        assert not page.daemon.controllers["docs"].paused
        assert "Log in" not in (await page.get("/mirrors/docs")).text


async def test_a_plan_is_made_when_it_is_asked_for_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        (tmp_path / "docs" / "<new>.md").write_text("# New\n\nA file.\n")
        docs = page.daemon.controllers["docs"]
        for _ in range(3):
            assert "No plan was made" in (await page.get("/mirrors/docs/plan")).text
        assert docs.lent == 0
        place = "/mirrors/docs/plan"
        other = {"sec-fetch-site": "cross-site"}
        for headers in ({}, {"origin": "null"}, other, {"origin": "http://other.example"}):
            assert (await page.http.post(place, headers=headers)).status_code == 403
        assert docs.lent == 0
        here = {"sec-fetch-site": "same-origin"}
        assert (await page.http.post(place, headers=here)).status_code == 303
        with anyio.fail_after(20):
            while "&lt;new&gt;.md" not in (await page.get(place)).text:
                pass
        assert "0 unchanged" in (await page.get(place)).text
        assert docs.lent == 1


async def test_a_halt_is_read_whole_a_page_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        keys = frozenset(DocKey(mirror="docs", path=f"<b>/{n:04}.md") for n in range(450))
        docs = page.daemon.controllers["docs"]
        docs.held = Halted(
            mirror="docs", why=(HELD,), digest="d" * 64, keys=keys, members=frozenset()
        )
        docs.become(Phase.WATCHING, held="d" * 64, held_keys=450, why=HELD)
        seen, place = 0, "/mirrors/docs/halt"
        while place:
            text = (await page.get(place)).text
            assert "<b>/" not in text
            seen += text.count("&lt;b&gt;/")
            place = text.partition('<a href="/mirrors/docs/halt?from=')[2].partition('"')[0]
            place = f"/mirrors/docs/halt?from={place}" if place else ""
        assert seen == 450
        assert "Read and release 450 changes" in (await page.get("/")).text


async def test_a_set_that_was_not_read_is_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with asked(tmp_path, monkeypatch, web=", token_file: ./token") as page:
        bearer = {"authorization": f"Bearer {TOKEN}"}
        sent = {"digest": "e" * 64}
        answer = await page.http.post("/mirrors/docs/release", data=sent, headers=bearer)
        assert answer.status_code == 409
        assert "KB-K374" in answer.text
        assert page.daemon.controllers["docs"].lent == 0


async def test_a_browser_is_led_to_the_login_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    async with asked(tmp_path, monkeypatch, web=", token_file: ./token") as page:
        led = await page.get("/journal?path=*.md", accept="text/html")
        assert led.status_code == 303
        assert led.headers["location"] == "/login?next=%2Fjournal%3Fpath%3D%2A.md"
        for evil in ("//other.example/", "/\\other.example", "https://other.example/", "a\nb"):
            sent = {"token": TOKEN, "next": evil}
            answer = await page.http.post("/login", data=sent)
            assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert (await page.get("/journal", accept="text/html")).status_code == 200
        assert (await page.http.post("/login", data={"x": "y" * 70_000})).status_code == 413


@pytest.mark.parametrize(
    "value", ["%00", "%FF%FE", "%ED%A0%80", "a" * 9_000, "%E2%80%AE<b>", "..%2F.."]
)
async def test_whatever_is_asked_has_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        for place in (
            f"/mirrors/docs?folder={value}",
            f"/mirrors/docs/level?folder={value}&after={value}&from=999999999999999",
            f"/mirrors/docs/trouble?after={value}",
            f"/mirrors/docs/halt?from={value}",
            f"/journal?mirror={value}&action={value}&path={value}&since={value}&before={value}",
            "/journal?before=999999999999999",
            f"/search?q=word&mirror={value}",
            f"/login?next={value}",
        ):
            answer = await page.get(place)
            assert answer.status_code == 200, place
            assert "<b>\u202e" not in answer.text
        for place in (
            f"/mirrors/{value}",
            f"/static/{value}",
            "/static/..%2Fserver.py",
            f"/{value}",
        ):
            assert (await page.get(place)).status_code in (400, 404, 405), place


async def test_no_text_from_outside_the_source_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret.md").write_text("the secret of this machine")
    async with asked(tmp_path, monkeypatch) as page:
        await page.get("/")
        (tmp_path / "docs" / "link.md").symlink_to(tmp_path / "secret.md")
        (tmp_path / "docs" / "here.md").write_text("# A title\n\nsome   words\nof the file\n")
        for path in ("link.md", "../secret.md", "/etc/passwd", "nothing.md"):
            found = text_beside(page.site, DocKey(mirror="docs", path=path), "secret")
            assert found.why
            assert "secret of" not in found.before + found.here + found.after
        key = DocKey(mirror="docs", path="here.md")
        assert text_beside(page.site, key, "some words of").here == "some   words\nof"
        assert not text_beside(page.site, key, "what is not there").here


_ROWS = """
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 100000)
INSERT INTO entries (mirror, path, base_id, document_id, document_name, state, size, mtime_ns,
  inode, ctime_ns, content, settings, rev, word_count, failures, reason_code, reason_text,
  stale_code, stale_text, profile)
SELECT 'docs', printf('area-%02d/team-%03d/topic-%04d/a-page-with-a-long-name-%06d.md', i % 20,
  i % 400, i % 2000, i), ?, printf('%036d', i), printf('page-%06d.md', i),
  CASE WHEN i % 500 = 5 THEN 'failed' ELSE 'synced' END, 4000, i, i, i, printf('%064d', i),
  printf('%064d', 1), 'rev', 100, 0, CASE WHEN i % 500 = 5 THEN 'KB-E010' END,
  'indexing failed: no embedding model', CASE WHEN i % 700 = 7 THEN 'KB-S008' END, 'too large',
  printf('%064d', 2) FROM n
"""


@pytest.mark.seconds(15)
async def test_a_hundred_thousand_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "state" / "ledger.db"
    file.parent.mkdir()
    with LedgerStore.open(file) as ledger:
        words = {"server": "embedded", "base_id": BASE, "base_name": "Docs", "source": "/docs"}
        ledger.bind(Binding(mirror="docs", device=None, **words))
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(_ROWS, (BASE,))
    async with asked(tmp_path, monkeypatch) as page:
        for view, shown in (
            ("/", ">200</b> failed"),
            ("/mirrors/docs", "area-19"),
            ("/mirrors/docs?folder=area-05/team-005", "topic-0005"),
            ("/mirrors/docs/level?folder=area-06/team-006/topic-0006", "synced"),
            ("/mirrors/docs/trouble", "KB-E010"),
            ("/journal?path=*none*", "No such line"),
        ):
            taken = []
            for _ in range(5):
                page.site.folders._kept.clear() if page.sites else None  # each counts anew
                began = time.process_time()  # on a busy machine the time is that of others
                answer = await page.get(view)
                taken.append(time.process_time() - began)
            assert shown in answer.text, view
            assert len(answer.content) < 200_000, view
            assert min(taken) < 0.2, (view, taken)


async def test_an_answer_does_not_wait_for_its_receipt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asked(tmp_path, monkeypatch) as page:
        taken = []
        for _ in range(20):
            began = time.monotonic()
            await page.get("/healthz")
            taken.append(time.monotonic() - began)
        assert min(taken) < 0.02  # 40 ms where the head of an answer is sent before its body
