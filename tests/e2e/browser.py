"""A headless Chromium, driven over the WebDriver protocol: Debian's, and no package of Python."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

SECONDS = 60.0
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


def needed() -> tuple[str, str]:
    """Return the programs, or skip the test with what to install."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(found):
        pytest.skip("no Chromium on this machine: apt-get install chromium chromium-driver")
    return str(found[0]), str(found[1])


class Element:
    """An element of the page."""

    def __init__(self, browser: Browser, key: str) -> None:
        self._browser, self._key = browser, key

    def click(self) -> None:
        self._browser.ask("POST", f"/element/{self._key}/click", {})

    def type(self, text: str) -> None:
        self._browser.ask("POST", f"/element/{self._key}/value", {"text": text})

    @property
    def text(self) -> str:
        return str(self._browser.ask("GET", f"/element/{self._key}/text"))


class Browser:
    """One window.

    Args:
        http: to the session of the driver.
    """

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http, self._session = http, session

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, f"/session/{self._session}{path}", json=body)
        value = answer.json()["value"]
        assert answer.is_success, value
        return value

    def open(self, url: str) -> None:
        self.ask("POST", "/url", {"url": url})

    @property
    def url(self) -> str:
        return str(self.ask("GET", "/url"))

    def run(self, script: str, *words: object) -> Any:
        """Run JavaScript in the page and return what it returns."""
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(words)})

    def run_async(self, script: str, *words: object) -> Any:
        """Run JavaScript whose last argument takes what is returned."""
        return self.ask("POST", "/execute/async", {"script": script, "args": list(words)})

    def all(self, selector: str) -> list[Element]:
        found = self.ask("POST", "/elements", {"using": "css selector", "value": selector})
        return [Element(self, each[ELEMENT]) for each in found]

    def one(self, selector: str) -> Element:
        (found,) = self.all(selector)
        return found

    def until(self, holds: Callable[[], object], what: str = "") -> None:
        end = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < end, what or self.text()
            time.sleep(0.2)

    def until_text(self, text: str) -> None:
        self.until(lambda: text in self.text(), f"never shown: {text}")

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def shown(self, selector: str) -> str:
        """Return the text of the first such element, in one step: live parts are replaced."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText", selector))

    def press(self, selector: str) -> None:
        """Click on the first such element, in one step."""
        self.run("document.querySelector(arguments[0]).click()", selector)

    def key(self, key: str) -> None:
        """Press and release a key."""
        actions = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def size(self, width: int, height: int) -> None:
        """Have the page be so wide, whatever a window needs at least."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.tools("Emulation.setDeviceMetricsOverride", metrics)

    def prefer(self, scheme: str) -> None:
        """Have the page be ``light`` or ``dark``."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tools("Emulation.setEmulatedMedia", {"features": features})

    def tools(self, command: str, words: dict[str, Any]) -> Any:
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": words})

    def complaints(self) -> list[str]:
        """Return what the page was refused, and errors of its script, since it was asked last."""
        lines = self.ask("POST", "/se/log", {"type": "browser"})
        return [each["message"] for each in lines if each["level"] in ("SEVERE", "WARNING")]

    def shot(self, file: Path) -> None:
        """Keep what is to be seen."""
        file.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))


@contextmanager
def browsing() -> Iterator[Browser]:
    """Open a window; skip the test where there is no Chromium."""
    chromium, driver = needed()
    # Chromium makes sockets there, whose paths must not be long.
    with TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        yield from _browsing(chromium, driver, Path(folder))


def _browsing(chromium: str, driver: str, folder: Path) -> Iterator[Browser]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    env = {**os.environ, "HOME": str(folder), "TMPDIR": str(folder)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([driver, f"--port={port}"], env=env, cwd=folder, **quiet)  # type: ignore[call-overload]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            session = _session(http, chromium, folder)
            try:
                yield Browser(http, session)
            finally:
                http.delete(f"/session/{session}")
    finally:
        process.terminate()
        process.wait()


def _session(http: httpx.Client, chromium: str, folder: Path) -> str:
    words = [
        *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--hide-scrollbars", "--force-color-profile=srgb", "--lang=en", "--no-proxy-server"),
        *("--disable-background-networking", f"--user-data-dir={folder}/profile"),
    ]
    wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": {"binary": chromium, "args": words},
        "goog:loggingPrefs": {"browser": "ALL"},
    }
    body = {"capabilities": {"alwaysMatch": wanted}}
    end = time.monotonic() + SECONDS
    while True:
        try:
            answer = http.post("/session", json=body)
        except httpx.ConnectError:
            assert time.monotonic() < end, "chromedriver does not answer"
            time.sleep(0.05)
            continue
        value = answer.json()["value"]
        assert answer.is_success, value
        return str(value["sessionId"])
