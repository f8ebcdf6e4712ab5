"""Every version the embedded server plays, through the command: what it tells, what it knows."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from contract_server import NOWHERE
from typing_commands import KEY, Terminal, served

from kbsync.embedded import NEWEST, PROFILES
from kbsync.embedded.quirks import Quirks

TOLD = {
    "page": None,
    "0.6": "0.6.16",
    "0.15": "0.15.8",
    "1.1": "1.1.3",
    "1.3": "1.3.1",
    "1.5": "1.5.1",
    "1.10": "1.10.1",
    "1.12": "1.12.1",
    "1.16": "1.16.1",
}
BASE = f"/datasets/{NOWHERE}"
DOCUMENT = f"{BASE}/documents/{NOWHERE}"
CHUNK = f"{DOCUMENT}/segments/{NOWHERE}"
FOURTEEN = {
    f"POST {BASE}/document/create_by_text",
    f"POST {BASE}/document/create_by_file",
    "POST /datasets",
    "GET /datasets",
    f"DELETE {BASE}",
    f"POST {DOCUMENT}/update_by_text",
    f"POST {DOCUMENT}/update_by_file",
    f"GET {BASE}/documents/20000101000000000000/indexing-status",
    f"DELETE {DOCUMENT}",
    f"GET {BASE}/documents",
    f"POST {DOCUMENT}/segments",
    f"GET {DOCUMENT}/segments",
    f"DELETE {CHUNK}",
    f"POST {CHUNK}",
}
SINCE = {
    "0.15": {
        f"POST {BASE}/document/create-by-text",
        f"POST {BASE}/document/create-by-file",
        f"POST {DOCUMENT}/update-by-text",
        f"POST {DOCUMENT}/update-by-file",
        f"POST {BASE}/retrieve",
        f"POST {BASE}/hit-testing",
    },
    "1.1": {
        f"GET {BASE}/metadata",
        f"POST {BASE}/metadata",
        f"PATCH {BASE}/metadata/{NOWHERE}",
        f"DELETE {BASE}/metadata/{NOWHERE}",
        f"POST {BASE}/metadata/built-in/enable",
        f"POST {BASE}/documents/metadata",
        "GET /datasets/metadata/built-in",
    },
    "1.3": {
        f"GET {BASE}",
        f"PATCH {BASE}",
        f"GET {CHUNK}/child_chunks",
        f"POST {CHUNK}/child_chunks",
        f"PATCH {CHUNK}/child_chunks/{NOWHERE}",
        f"DELETE {CHUNK}/child_chunks/{NOWHERE}",
        "GET /workspaces/current/models/model-types/rerank",
    },
    "1.5": {
        f"GET {DOCUMENT}",
        f"GET {CHUNK}",
        f"PATCH {BASE}/documents/status/disable",
        f"GET {BASE}/tags",
        "GET /datasets/tags",
        "POST /datasets/tags",
        "PATCH /datasets/tags",
        "DELETE /datasets/tags",
        "POST /datasets/tags/binding",
        "POST /datasets/tags/unbinding",
    },
    "1.10": {f"GET {BASE}/metadata/built-in", f"GET /files/{NOWHERE}/preview"},
    "1.16": {f"GET {DOCUMENT}/download", f"PATCH {DOCUMENT}"},
}
GONE = {"1.10": {"GET /datasets/metadata/built-in"}}
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def known(name: str) -> set[str]:
    """Return the calls of a version."""
    calls = set(FOURTEEN)
    for each in TOLD:
        calls = calls - GONE.get(each, set()) | SINCE.get(each, set())
        if each == name:
            break
    return calls


PATHS = sorted({call.partition(" ")[2] for call in known(NEWEST) | known("1.5")})


def test_the_table_is_whole() -> None:
    assert {name: profile.told for name, profile in PROFILES.items()} == TOLD
    assert len(FOURTEEN) == 14
    assert list(PROFILES)[-1] == NEWEST


@pytest.mark.parametrize("name", TOLD)
def test_version_and_routes(tmp_path: Path, name: str) -> None:
    with served(tmp_path, "--dify", name) as url, httpx.Client(base_url=url) as http:
        http.headers["Authorization"] = f"Bearer {KEY}"
        assert http.get("/datasets").headers.get("X-Version") == TOLD[name]
        answered, refused = set(), 0
        for path in PATHS:
            for method in METHODS:
                reply = http.request(method, path)
                if _unknown(reply):
                    refused += 1
                else:
                    answered.add(f"{method} {path}")
    assert answered == known(name)
    assert refused == len(PATHS) * len(METHODS) - len(answered)


def _unknown(reply: httpx.Response) -> bool:
    """Whether this is the answer to a call that does not exist: a web page, or a 405."""
    page = reply.headers.get("Content-Type", "").startswith("text/html")
    assert not page or reply.status_code == 404
    return page or reply.status_code == 405


def test_a_version_that_does_not_exist(tmp_path: Path) -> None:
    printed = Terminal(tmp_path).type("serve", "--dify", "2.0", "--api-key", KEY, exit=64)
    assert "2.0" in printed
    assert "1.16" in printed


def test_quirks_stand_on_a_version() -> None:
    oldest = PROFILES["1.1"]
    assert Quirks(["no-metadata"]).on(oldest).metadata is False
    assert Quirks(["wedging-update"]).on(oldest).update_wedges
    assert Quirks(["version=1.1.9"]).on(oldest).told == "1.1.9"
    assert Quirks().on(oldest) == oldest
