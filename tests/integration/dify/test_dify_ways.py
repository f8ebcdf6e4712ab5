"""The way to a server: proxies of the environment, authorities, headers for a gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from dify_line import KEY, Memory, answering, reply, serving
from on_the_way import authority, certificate, forwarding, listening, saying, secured, socks
from on_the_way import reply as page

from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.dify.proxies import is_exempt, proxy_of
from kbsync.messages import Problem
from kbsync.messages import remote as messages
from kbsync.model import Done, NotReady, NotSent, Unauthorized

pytestmark = pytest.mark.anyio

ID = "22f83db9-93e4-424b-a446-2b01259772f4"
BASE = b'{"id": "22f83db9-93e4-424b-a446-2b01259772f4", "name": "Docs"}'
WELL = saying(page(200, BASE.decode(), "application/json"))
VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
SECRET = "word-of-a-gateway"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.upper, VARIABLES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tls() -> Iterator[int]:
    """A server that speaks TLS with a certificate for 127.0.0.1 and knowledge.example."""
    names = "IP:127.0.0.1,DNS:knowledge.example"
    with listening(WELL, secured(certificate(names))) as port:
        yield port


def client(url: str, **words: object) -> DifyClient:
    words = {"read_timeout": 5.0, "connect_timeout": 20.0} | words
    return DifyClient(Access(url=url, key=ApiKey(KEY), **words))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listed", "exempt"),
    [
        ("*", True),
        ("example.org, docs.example", True),
        (".docs.example", True),
        ("*.docs.example", True),
        ("docs.example:8443", True),
        ("https://docs.example", True),
        ("DOCS.example.", True),
        ("docs.example:443", False),
        ("cs.example", False),
        ("other.example", False),
        ("", False),
        (",, ", False),
        ("10.0.0.0/8", False),
    ],
)
def test_no_proxy_names_a_host(listed: str, exempt: bool) -> None:
    assert is_exempt("docs.example", 8443, listed) is exempt


@pytest.mark.parametrize(
    ("host", "listed", "exempt"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.1:80", True),
        ("127.0.0.1", "127.0.0.1:81", False),
        ("::1", "[::1]", True),
        ("::1", "[::1]:80", True),
        ("::1", "::1", True),
        ("fd00::7", "fd00::/16", True),
        ("127.0.0.1", "0.1", False),
    ],
)
def test_no_proxy_names_an_address(host: str, listed: str, exempt: bool) -> None:
    assert is_exempt(host, 80, listed) is exempt


@pytest.mark.parametrize("bad", ["socks://127.0.0.1:9", "socks5://127.0.0.1:9", "http://", "::"])
async def test_a_bad_proxy_is_none_of_ours_where_no_proxy_names_the_server(
    monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", bad)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    async with serving(answering(reply(200, BASE))) as (url, _), client(url) as opened:
        assert isinstance(await opened.bases.get(ID), Done)


@pytest.mark.parametrize("bad", ["socks4://h:1", "http://", "http://h:99999", "ftp://h"])
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    scheme, _, rest = bad.partition("://")
    monkeypatch.setenv("https_proxy", f"{scheme}://user:{SECRET}@{rest}")
    access = Access(url="https://docs.example/v1", key=ApiKey(KEY))
    with pytest.raises(Problem) as raised:
        proxy_of(access)
    assert raised.value.notice.message is messages.PROXY_UNUSABLE
    assert "https_proxy" in str(raised.value)
    assert SECRET not in str(raised.value)


def test_the_variable_that_counts_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(url="https://docs.example/v1", key=ApiKey(KEY))
    for name in ("ALL_PROXY", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, f"{name.replace('_', '.')}:3128")
        found = proxy_of(access)
        assert found is not None
        assert found.origin == name
        assert found.shown == f"http://{name.replace('_', '.')}:3128"
    assert proxy_of(Access(url="http://docs.example/v1", key=ApiKey(KEY))).origin == "ALL_PROXY"  # type: ignore[union-attr]


async def test_a_tunnel_through_a_proxy(monkeypatch: pytest.MonkeyPatch, tls: int) -> None:
    with listening(forwarding(tls)) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy}")
        async with client("https://knowledge.example/v1", ca_file=authority()[0]) as opened:
            assert isinstance(await opened.bases.get(ID), Done)
            assert opened.where.endswith(
                f"(through the proxy http://127.0.0.1:{proxy} of https_proxy)"
            )


async def test_a_proxy_that_is_addressed_like_what_it_is_for(
    monkeypatch: pytest.MonkeyPatch, tls: int
) -> None:
    """`https_proxy=https://…` for a proxy that speaks plain HTTP is the usual slip."""
    with listening(forwarding(tls)) as proxy:
        monkeypatch.setenv("https_proxy", f"https://127.0.0.1:{proxy}")
        async with client("https://knowledge.example/v1", ca_file=authority()[0]) as opened:
            outcome = await opened.bases.get(ID)
    assert isinstance(outcome, NotSent)
    assert outcome.why.message is messages.PROXY_AWAY
    assert "write http:// in https_proxy" in outcome.why.next


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [(403, Unauthorized, messages.PROXY), (502, NotSent, messages.PROXY_AWAY)],
)
async def test_a_proxy_that_makes_no_tunnel(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: type, message: object
) -> None:
    """It forbids the server, or cannot reach it."""
    with listening(saying(page(status, "no"))) as proxy:
        monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy}")
        async with client("https://knowledge.example/v1", verify=False) as opened:
            outcome = await opened.bases.get(ID)
    assert type(outcome) is kind
    assert outcome.why.message is message
    assert str(status) in outcome.why.words["words"]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_a_socks_proxy(monkeypatch: pytest.MonkeyPatch, tls: int, scheme: str) -> None:
    pytest.importorskip("socksio")
    with listening(socks(tls)) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"{scheme}://127.0.0.1:{proxy}")
        async with client("https://knowledge.example/v1", ca_file=authority()[0]) as opened:
            assert isinstance(await opened.bases.get(ID), Done)


async def test_authorities_of_the_environment(monkeypatch: pytest.MonkeyPatch, tls: int) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority()[0]))
    async with client(f"https://127.0.0.1:{tls}/v1") as opened:
        assert isinstance(await opened.bases.get(ID), Done)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate("DNS:other")[0]))
    async with client(f"https://127.0.0.1:{tls}/v1") as opened:
        outcome = await opened.bases.get(ID)
    assert isinstance(outcome, NotSent)
    assert outcome.why.message is messages.NO_TRUST
    assert "SSL_CERT_FILE" in outcome.why.next


async def test_headers_for_a_gateway_go_with_every_call_and_are_never_shown() -> None:
    echo = reply(403, f"<p>x-gateway: {SECRET}</p>".encode(), "text/html", f"Server: {SECRET}")
    headers = (("X-Gateway", SECRET), ("User-Agent", "told-to"))
    scripts = answering(reply(200, BASE)), answering(reply(200, b"[]")), answering(echo)
    async with serving(*scripts) as (url, taken):
        opened = client(url, headers=headers)
        assert SECRET not in repr(opened.access)
        async with opened:
            await opened.bases.get(ID)
            await opened.documents.create_by_file(ID, "a.md", Memory(b"words"), {})
            outcome = await opened.bases.get(ID)
    assert [head.count(f"X-Gateway: {SECRET}") for head in taken.heads] == [1, 1, 1]
    assert all(f"Bearer {KEY}" in head and "told-to" in head for head in taken.heads)
    assert isinstance(outcome, Unauthorized)
    assert SECRET not in str(outcome)


async def test_a_server_that_hangs_up_is_looked_at_once_more() -> None:
    """What it says then is neither TLS nor another protocol: nothing more is claimed."""
    with listening(lambda line: None) as port:
        async with client(f"http://127.0.0.1:{port}/v1") as opened:
            outcome = await opened.bases.get(ID)
    assert isinstance(outcome, NotReady)
    assert outcome.why.message is messages.CUT_OFF
