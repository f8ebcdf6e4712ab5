"""A key that is replaced in its file while we run: the next refusal finds the new one."""

from __future__ import annotations

from pathlib import Path

import pytest
from dify_line import KEY, Line, Memory, reply, serving

from kbsync.app.connect import connected
from kbsync.config import load
from kbsync.config.api_key import read_key
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.messages import remote as messages
from kbsync.model import Done, NotSent, Unauthorized

pytestmark = pytest.mark.anyio
ID = "22f83db9-93e4-424b-a446-2b01259772f4"
NEWER = "dataset-NEWERNEWERNEWER01"
BASE = b'{"id": "22f83db9-93e4-424b-a446-2b01259772f4", "name": "Docs"}'
REFUSED = b'{"code": "unauthorized", "message": "Access token is invalid", "status": 401}'


async def picky(line: Line) -> None:
    """Take the newer key alone, and say which one came."""
    while True:
        asked = await line.request()
        taken = f"Bearer {NEWER}".encode() in asked
        await line.say(reply(200, BASE) if taken else reply(401, REFUSED))


def keyed(url: str, file: Path) -> DifyClient:
    access = Access(url=url, key=ApiKey(KEY, lambda: read_key(file)), environment=False)
    return DifyClient(access)


async def test_a_refused_call_is_sent_again_with_the_newer_key(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    async with serving(picky) as (url, taken), keyed(url, file) as client:
        assert isinstance(await client.bases.get(ID), Unauthorized)
        assert len(taken.requests) == 1
        file.write_text(f"{NEWER}\n")
        assert isinstance(await client.bases.get(ID), Done)
        assert isinstance(await client.bases.get(ID), Done)
        assert len(taken.requests) == 4
        assert repr(client.access.key) == "ApiKey(...)"
        assert client.access.key.hide(f"{KEY} {NEWER}") == "*** ***"


async def test_an_upload_waits_for_its_next_turn(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(NEWER)
    async with serving(picky) as (url, taken), keyed(url, file) as client:
        outcome = await client.documents.create_by_file(ID, "a.md", Memory(b"words"), {})
        assert isinstance(outcome, NotSent)
        assert outcome.why.message is messages.KEY_REPLACED
        assert len(taken.requests) == 1


@pytest.mark.parametrize("content", ["", "two words", "\n\n", "käse"])
async def test_what_is_no_key_replaces_none(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content)
    assert read_key(file) is None
    assert read_key(tmp_path / "missing") is None
    async with serving(picky) as (url, taken), keyed(url, file) as client:
        assert isinstance(await client.bases.get(ID), Unauthorized)
        assert len(taken.requests) == 1


async def test_a_declared_key_file_is_what_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    async with serving(picky) as (url, _):
        (tmp_path / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{url}", api_key_file: key}}\n'
            "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs}]\n"
        )
        settings = load(tmp_path / "kbsync.yaml", {})
        (tmp_path / "key").write_text(NEWER)
        async with connected(settings.servers["default"]) as client:
            assert isinstance(await client.bases.get(ID), Done)
