"""Section 6.6: the original bytes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, Base, Server, refused

pytestmark = [pytest.mark.anyio, needs(Ability.DOWNLOAD)]

CONTENT = "Größe: ∑ \r\n".encode() + bytes(range(1, 256)) * 40


async def address(base: Base, document: str) -> str:
    """Return where the document's file can be had."""
    reply = await base.http.get(f"{base.url}/documents/{document}/download")
    assert reply.status_code == 200, reply.text
    assert set(reply.json()) == {"url"}
    return str(reply.json()["url"])


async def fetched(server: Server, url: str) -> httpx.Response:
    """Fetch from the server's own address, whatever host `url` names, and without a key."""
    parts = urlsplit(url)
    origin = server.url.removesuffix("/v1")
    async with httpx.AsyncClient(transport=server.transport, trust_env=False) as stranger:
        return await stranger.get(f"{origin}{parts.path}?{parts.query}")


async def test_6_6_the_bytes_that_were_sent(server: Server, base: Base) -> None:
    for name in ("a.md", "größe – 1.html"):
        document = await base.indexed(name, CONTENT)
        url = await address(base, document["id"])
        file = document["data_source_info"]["upload_file"]["id"]
        assert urlsplit(url).path.endswith(f"/files/{file}/file-preview")
        query = parse_qs(urlsplit(url).query)
        assert set(query) == {"timestamp", "nonce", "sign", "as_attachment"}
        reply = await fetched(server, url)
        assert reply.status_code == 200, reply.text
        assert reply.content == CONTENT
        assert reply.headers["Content-Type"] == "application/octet-stream"
        assert reply.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        assert reply.headers["Content-Length"] == str(len(CONTENT))


async def test_6_6_a_text_is_cut_at_its_number_of_characters(server: Server, base: Base) -> None:
    reply = await base.text("a.md", "Größe und Maß")
    document = await base.settled(reply.json()["document"]["id"])
    url = await address(base, document["id"])
    cut = None if base.can(Ability.TEXT_IN_BYTES) else 13
    assert (await fetched(server, url)).content == "Größe und Maß".encode()[:cut]


async def test_6_6_every_state_has_its_bytes(server: Server, base: Base) -> None:
    document = await base.indexed("a.md", CONTENT)
    await base.switch("disable", document["id"])
    url = await address(base, document["id"])
    assert (await fetched(server, url)).content == CONTENT


async def test_6_6_a_changed_address_opens_nothing(server: Server, base: Base) -> None:
    one, other = await base.indexed("a.md", CONTENT), await base.indexed("b.md", CONTENT)
    url = await address(base, one["id"])
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    path = urlsplit(url).path
    files = [each["data_source_info"]["upload_file"]["id"] for each in (one, other)]
    for changed in (
        url.replace(query["timestamp"], str(int(query["timestamp"]) + 1)),
        url.replace(query["nonce"], query["nonce"][::-1]),
        url.replace("sign=", "sign=x"),
        url.replace(*files),
        url.replace(files[0], NOWHERE),
        url.replace(query["timestamp"], "never"),
    ):
        reply = await fetched(server, changed)
        refused(reply, 404, "not_found", "File not found or signature is invalid")
    for name in ("timestamp", "nonce", "sign"):
        left = "&".join(f"{each}={query[each]}" for each in query if each != name)
        refused(await fetched(server, f"{path}?{left}"), 400, "invalid_param")


async def test_6_6_what_has_no_bytes(server: Server, base: Base) -> None:
    document = await base.indexed()
    await address(base, document["id"])
    path = f"{base.url}/documents/{NOWHERE}/download"
    refused(await base.http.get(path), 404, "not_found", "Document not found.")
    elsewhere = await server.new_base()
    path = f"{elsewhere.url}/documents/{document['id']}/download"
    refused(await base.http.get(path), 404, "not_found", "Document not found.")
    path = f"{base.url}/documents/{document['id']}/download"
    reply = await base.http.get(path, headers={"Authorization": "Bearer dataset-unknown"})
    refused(reply, 401, "unauthorized")
