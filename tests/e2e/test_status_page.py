"""The status page of a real daemon in a real browser, from the first upload to a release."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser import Browser, browsing
from page_folder import HEBREW, LONG, MARKUP, POLICIES, TOKEN, PageFolder, page_folder

from kbsync.messages import printable

pytestmark = [pytest.mark.timeout(180), pytest.mark.seconds(30)]
WIDE, TALL, PHONE = 1200, 900, 390
# Where the pictures are kept, to be looked at.
SHOTS = os.environ.get("KBSYNC_SHOTS")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[PageFolder]:
    # Paths are to be seen in the pictures.
    place = tmp_path / "kb" if SHOTS is None else Path("/tmp/company")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with page_folder(place) as found:
        yield found
    shutil.rmtree(place)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with browsing() as found:
        found.size(WIDE, TALL)
        yield found


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    place = Path(SHOTS) if SHOTS else tmp_path / "shots"
    place.mkdir(parents=True, exist_ok=True)
    return place


def test_from_the_first_upload_to_a_release(
    browser: Browser, page: PageFolder, shots: Path, axe: Axe
) -> None:
    browser.open(f"{page.url}/")
    browser.until_text("unreachable")
    page.fill()
    # Uploading or indexing: an upload takes a moment, and the page follows once a second.
    browser.until_text("Under way")
    browser.until_text("of 30 in sync")
    browser.until(lambda: int(browser.shown("#mirror-policies .progress").split()[0]) > 5)
    browser.shot(shots / "first-upload.png")
    assert browser.url == f"{page.url}/"  # nothing was loaded again: it is live
    browser.until_text("30 synced")
    browser.until_text("10 synced")
    idle(browser, page, shots)
    hostile_names(browser, page)
    log_in(browser, page)
    failures(browser, page, shots)
    page.remove_policies()
    page.until_page("/", "Read and release 20 changes")
    if axe.source:
        no_view_has_a_serious_fault(axe, browser, page)
    held_back(browser, page, shots)
    ten_thousand(browser, page, shots)
    beside_the_file(browser, page, shots)
    phone_and_dark(browser, page, shots)
    assert browser.complaints() == []
    if not axe.source:
        pytest.skip(axe.why_not)


def idle(browser: Browser, page: PageFolder, shots: Path) -> None:
    browser.until(lambda: browser.text().count("watching") == 2)
    browser.shot(shots / "idle.png")


def hostile_names(browser: Browser, page: PageFolder) -> None:
    browser.open(f"{page.url}/mirrors/handbook")
    # With the keyboard alone: to the folder's button, and open.
    browser.run("document.querySelectorAll('.toggle')[1].focus()")
    browser.key("\ue007")
    browser.until_text(LONG)
    shown = browser.text()
    assert MARKUP in shown
    assert HEBREW in shown
    assert "price\\u202etxt.md" in shown
    assert "tab\\x09here\\x07.md" in shown
    assert browser.run("return document.querySelectorAll('img, b > img').length") == 0
    assert browser.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    wide = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert browser.run(wide)
    # The folder's own page, by its link.
    browser.one(".folder a[href*='names']").click()
    browser.until(lambda: "folder=names" in browser.url)
    assert printable(MARKUP) in browser.text()


def log_in(browser: Browser, page: PageFolder) -> None:
    browser.open(f"{page.url}/mirrors/handbook")
    browser.one(".login a").click()
    browser.one("#token").type("another-token-0123456789")
    browser.one("main button").click()
    browser.until_text("this is not the token")
    assert [each for each in browser.complaints() if "403" not in each] == []
    browser.one("#token").type(TOKEN)
    browser.one("main button").click()
    browser.until_text("Sync now")
    assert browser.url == f"{page.url}/mirrors/handbook"
    assert "kbsync_session" not in browser.run("return document.cookie")
    assert TOKEN not in browser.run("return document.documentElement.outerHTML")


def failures(browser: Browser, page: PageFolder, shots: Path) -> None:
    page.refuse(1)
    page.write("handbook/reference/refused.md", "# Refused\n\nNever taken.\n")
    browser.until_text("1 failed")
    page.write("handbook/reference/parts.md", "x" * 20_000)
    browser.until_text("1 stale")
    browser.open(f"{page.url}/mirrors/handbook/trouble")
    browser.until_text("File type not allowed")
    assert "reference/parts.md" in browser.text()
    browser.shot(shots / "failures.png")
    browser.one(".file.failed button").click()
    browser.until_text("Retry: done")
    browser.until(lambda: "failed" not in browser.shown(".card .counts"))
    browser.one(".doing form[action$='/pause'] button").click()
    browser.until(lambda: browser.shown(".phase") == "paused")
    browser.open(f"{page.url}/mirrors/handbook")
    browser.one(".doing form[action$='/resume'] button").click()
    browser.until(lambda: browser.shown(".phase") == "watching")


def held_back(browser: Browser, page: PageFolder, shots: Path) -> None:
    browser.open(f"{page.url}/")
    browser.until_text("Read and release 20 changes")
    browser.press("a.act")
    browser.until_text("Exactly these 20 changes")
    paths = [each.text for each in browser.all(".paths li")]
    assert paths == POLICIES[:20]
    browser.shot(shots / "halted.png")
    browser.one("button.danger").click()
    browser.until_text("Release: done")
    page.until_page("/", ">10</b> synced")
    browser.open(f"{page.url}/journal?mirror=policies&action=delete")
    browser.until_text("2024/20-rule.md")


def ten_thousand(browser: Browser, page: PageFolder, shots: Path) -> None:
    browser.open(f"{page.url}/mirrors/archive")
    browser.until_text("9,982 synced")
    for selector in (".level > .folder .toggle", ".level .level .folder .toggle"):
        browser.all(selector)[0].click()
        browser.until(lambda s=selector: len(browser.all(f"{s}[aria-expanded=true] ~ .level li")))
    browser.shot(shots / "ten-thousand.png")


def beside_the_file(browser: Browser, page: PageFolder, shots: Path) -> None:
    browser.open(f"{page.url}/search")
    browser.one("#q").type("brass wheel wick\ue007")
    browser.until_text("guides/start/first-light.md")
    marked = browser.all("mark")[0].text
    assert "brass wheel" in marked
    browser.shot(shots / "search.png")


def phone_and_dark(browser: Browser, page: PageFolder, shots: Path) -> None:
    browser.size(PHONE, 844)
    for place, name in (("/", "phone"), ("/mirrors/handbook", "phone-mirror")):
        browser.open(page.url + place)
        browser.shot(shots / f"{name}.png")
        width = browser.run("return document.documentElement.scrollWidth")
        assert width <= PHONE, place
    browser.size(WIDE, TALL)
    browser.prefer("dark")
    browser.open(f"{page.url}/")
    browser.until_text("archive")
    browser.shot(shots / "dark.png")
    color = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert color == "rgb(13, 17, 23)"


# -- accessibility -------------------------------------------------------------------------------

VIEWS = (
    *("/", "/mirrors/handbook", "/mirrors/handbook?folder=names", "/mirrors/handbook/trouble"),
    *("/mirrors/handbook/plan", "/mirrors/policies/halt", "/mirrors/archive", "/journal"),
    *("/journal?since=soon", "/search?q=wick", "/login", "/nothing"),
)
# Another scheme changes colors, and nothing else: these have all of them.
COLORED = ("/", "/mirrors/handbook/trouble", "/mirrors/policies/halt", "/search?q=wick")
AUDIT = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"], ...arguments[0]}).then(
  (found) => done(found.violations.filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`)),
  (error) => done([String(error)]));
"""


@dataclass(frozen=True)
class Axe:
    """axe-core, or why it is not there."""

    source: str
    why_not: str = ""


@pytest.fixture
def axe(tmp_path: Path) -> Axe:
    npm = shutil.which("npm")
    if npm is None:
        return Axe("", "no npm on this machine: apt-get install npm")
    words = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "axe-core@4"]
    run = subprocess.run(words, check=False, cwd=tmp_path, capture_output=True, timeout=120)
    if run.returncode:
        return Axe("", f"npm cannot install axe-core: {run.stderr.decode()[-200:]}")
    return Axe((tmp_path / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))


def no_view_has_a_serious_fault(axe: Axe, browser: Browser, page: PageFolder) -> None:
    """Look at every view while there is a failure, a plan, and something is held back."""
    page.refuse(1)
    page.write("handbook/reference/refused-too.md", "# Refused\n\nNever taken either.\n")
    page.until_page("/mirrors/handbook", ">1</b> failed")
    browser.open(f"{page.url}/mirrors/handbook/plan")
    browser.until_text("Make the plan now")
    browser.one("main form button").click()
    browser.until_text("As of ")  # the page shows the plan by itself
    assert "unchanged" in browser.text()
    assert browser.complaints() == []
    found = faults(axe, browser, page, VIEWS, {})
    browser.prefer("dark")
    found += faults(axe, browser, page, COLORED, {"runOnly": ["color-contrast"]})
    browser.prefer("light")
    assert found == []
    # One of the views is the page of what is not there.
    assert [each for each in browser.complaints() if f"{page.url}/nothing" not in each] == []


def faults(
    axe: Axe, browser: Browser, page: PageFolder, places: Sequence[str], rules: dict[str, Any]
) -> list[str]:
    found: list[str] = []
    for place in places:
        browser.open(page.url + place)
        browser.run(axe.source)
        found += [f"{place}: {each}" for each in browser.run_async(AUDIT, rules)]
    return found


# -- what changes something ----------------------------------------------------------------------


def test_what_changes_something_is_safe(page: PageFolder) -> None:
    host = page.url.removeprefix("http://")
    with httpx.Client(base_url=page.url) as http:
        place = "/mirrors/handbook/pause"
        assert http.post(place).status_code == 403
        assert http.post("/login", data={"token": TOKEN}).status_code == 303
        text = http.get("/mirrors/handbook").text
        form = text.partition('name="form" value="')[2].partition('"')[0]
        assert http.post(place, data={"form": "another"}).status_code == 403
        for headers in (
            {"origin": "http://other.example"},
            {"origin": page.url, "sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ):
            assert http.post(place, data={"form": form}, headers=headers).status_code == 403
        rebound = {"host": "rebound.example", "origin": "http://rebound.example"}
        assert http.post(place, data={"form": form}, headers=rebound).status_code == 421
        assert http.get(place).status_code == 405
        assert "paused" not in http.get("/mirrors/handbook").text
        sound = {"origin": f"http://{host}", "sec-fetch-site": "same-origin"}
        assert http.post(place, data={"form": form}, headers=sound).status_code == 303
    page.until_page("/mirrors/handbook", "paused")
    bearer = {"authorization": f"Bearer {TOKEN}"}
    resumed = httpx.post(f"{page.url}/mirrors/handbook/resume", headers=bearer)
    assert resumed.status_code == 303
