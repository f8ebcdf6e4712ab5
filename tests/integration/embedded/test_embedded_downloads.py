"""Addresses of files end, and the call for one counts; the rest is in the contract suite."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from embedded_client import make_base, running

from kbsync.embedded.downloads import FileQuery, Signatures

pytestmark = pytest.mark.anyio


def asked(query: str) -> FileQuery:
    return FileQuery.model_validate(dict(pair.split("=", 1) for pair in query.split("&")))


def test_an_address_ends_after_five_minutes_and_with_the_process() -> None:
    now = 1_000_000.0
    signatures = Signatures(lambda: now)
    query = asked(signatures.query("a").replace("%3D", "="))
    assert signatures.hold("a", query)
    assert not signatures.hold("b", query)
    now += 300.0
    assert signatures.hold("a", query)
    now += 1.0
    assert not signatures.hold("a", query)
    assert not Signatures(lambda: 1_000_000.0).hold("a", query)


async def test_the_call_counts_in_the_rate_limit_and_the_file_does_not(tmp_path: Path) -> None:
    async with running(tmp_path / "store.db", ["cloud-throttle=3"]) as http:
        base = await make_base(http)
        document = (await base.upload("a.md", "words")).json()["document"]["id"]
        path = f"{base.url}/documents/{document}/download"
        url = (await http.get(path)).json()["url"]
        refused = await http.get(path)
        assert refused.status_code == 403
        assert "rate limit" in refused.json()["message"]
        parts = urlsplit(url)
        for _ in range(3):
            reply = await http.get(f"http://embedded{parts.path}?{parts.query}")
            assert reply.content == b"words"
