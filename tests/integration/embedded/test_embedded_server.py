import json
import signal
from pathlib import Path

import anyio
import pytest
from embedded_client import KEY, make_base, new_base
from embedded_process import first_line, serving

from kbsync.embedded import RemoteAddressError, StoreError, UnknownQuirkError, serve

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    store = tmp_path / "store.db"
    async with serving(store) as (http, process):
        base = await make_base(http)
        document = await base.indexed("a.txt", "text")
        process.send_signal(number)
        with anyio.fail_after(15):
            assert await first_line(process) == "ended"
            assert await process.wait() == 0
    assert not store.with_name("store.db-wal").exists()
    async with serving(store) as (http, _):
        reply = await http.get(f"{base.url}/documents/{document}")
        assert reply.json()["display_status"] == "available"


async def test_a_connection_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path / "store.db") as (http, _):
        streams = set()
        for _ in range(3):
            reply = await http.get("/datasets")
            streams.add(reply.extensions["network_stream"].get_extra_info("socket"))
        assert len(streams) == 1
        assert "server" not in reply.headers
        assert "set-cookie" not in reply.headers


async def test_an_answer_does_not_wait_for_an_acknowledgement(tmp_path: Path) -> None:
    """With Nagle's algorithm on, every single answer would take more than 40 ms."""
    async with serving(tmp_path / "store.db") as (http, _):
        durations = [(await http.get("/nowhere")).elapsed.total_seconds() for _ in range(30)]
    assert min(durations) < 0.03


async def test_a_refused_upload_is_answered_although_its_body_is_large(tmp_path: Path) -> None:
    async with serving(tmp_path / "store.db") as (http, _):
        base = await make_base(http)
        body = b"x" * (20 * 1024 * 1024)
        reply = await base.upload("big.txt", body)
        assert (reply.status_code, reply.json()["message"]) == (400, "")
        await http.delete(base.url)
        assert (await base.upload("big.txt", body)).status_code == 404


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", ""])
def test_only_loopback_is_served(tmp_path: Path, host: str) -> None:
    store = tmp_path / "store.db"
    with pytest.raises(RemoteAddressError, match="Next: kbsync serve --host"):
        serve(host=host, port=0, store=store, api_key=KEY)
    assert not store.exists()


def test_an_unknown_quirk_is_refused_with_the_list_of_all(tmp_path: Path) -> None:
    with pytest.raises(UnknownQuirkError, match=r"wedging-update.*Next: kbsync serve --help"):
        serve(host="127.0.0.1", port=0, store=tmp_path / "s.db", api_key=KEY, quirks=["no"])
    with pytest.raises(UnknownQuirkError, match="takes a number"):
        serve(
            host="127.0.0.1",
            port=0,
            store=tmp_path / "s.db",
            api_key=KEY,
            quirks={"cloud-throttle": "many"},
        )


def test_a_data_file_that_cannot_be_used_is_reported_to_the_caller(tmp_path: Path) -> None:
    store = tmp_path / "store.db"
    store.write_bytes(b"something else entirely")
    for path in (store, tmp_path):
        with pytest.raises(StoreError, match=r"cannot be used as a data file.*Next: kbsync serve"):
            serve(host="127.0.0.1", port=0, store=path, api_key=KEY)


async def test_the_request_log_counts_requests_and_holds_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    async with new_base(tmp_path / "store.db", request_log=log) as base:
        await base.upload("secret-name.txt", "secret content")
        await base.http.get(f"{base.url}/documents", params={"keyword": "secret-query"})
        await base.http.get("/nowhere")
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/datasets", 200),
        ("POST", "/datasets/{ds}/document/create-by-file", 200),
        ("GET", "/datasets/{ds}/documents", 200),
        ("GET", None, 404),
    ]
    assert lines[2]["path"] == f"/v1{base.url}/documents"
    assert all(line["ms"] >= 0 for line in lines)
    assert set(lines[0]) == {"method", "route", "path", "status", "ms", "at"}
    assert "secret" not in log.read_text()
    assert KEY not in log.read_text()
