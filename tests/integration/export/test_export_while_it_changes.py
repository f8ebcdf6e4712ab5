"""Exports of bases that change meanwhile, of older servers, and of servers that lie."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from kbsync.app.clock import ProcessClock
from kbsync.app.export.folder import ExportFolder
from kbsync.app.export.source_base import SourceBase
from kbsync.app.export.state import ExportState, Origin
from kbsync.app.export.whole_base import BaseExport, Export
from kbsync.dify.access import Access, ApiKey
from kbsync.dify.client import DifyClient
from kbsync.engine.workers.rate_limiter import RateLimiter
from kbsync.engine.workers.throttled_calls import ThrottledCalls
from kbsync.messages import command as command_say
from kbsync.messages import export as say
from tests.integration.embedded.embedded_client import KEY, Base, make_base, running

pytestmark = pytest.mark.anyio

RULE = {
    "indexing_technique": "economy",
    "process_rule": {
        "mode": "custom",
        "rules": {
            "pre_processing_rules": [],
            "segmentation": {"separator": "\n\n", "max_tokens": 500, "chunk_overlap": 0},
        },
    },
}


class Server:
    """An embedded server in this process, and an export of its one base."""

    def __init__(self, base: Base, folder: Path) -> None:
        self.base = base
        self.folder = folder
        self.limiter = RateLimiter(None)
        self.spoils: Callable[[httpx.Request, dict[str, Any]], dict[str, Any]] | None = None

    async def made(self, name: str, text: str) -> str:
        return await self.base.indexed(name, text, RULE)

    @asynccontextmanager
    async def exporting(self, *, chunks: bool = False) -> AsyncIterator[tuple[BaseExport, Export]]:
        transport = self.base.http._transport
        access = Access(url="http://embedded/v1", key=ApiKey(KEY), environment=False)
        async with DifyClient(access, Spoiled(transport, self)) as api:
            calls = ThrottledCalls(limiter=self.limiter, clock=ProcessClock(), in_flight=4)
            source = SourceBase(api, calls, self.base.id)
            report = Export(base=await source.row(), map=self.folder / "map.csv")
            with (
                closing(ExportFolder(self.folder)) as folder,
                ExportState(folder.own / "state.db", self.base.id) as state,
            ):
                work = BaseExport(source, folder, state, chunks=chunks, at_once=4)
                _, notices = await work.list_documents()
                report.notices += notices
                yield work, report

    async def export(self, *, chunks: bool = False) -> Export:
        async with self.exporting(chunks=chunks) as (work, report):
            await work.carry_out(report, lambda: None)
        return report

    def files(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in self.folder.rglob("*")
            if path.is_file() and ".kbsync-export" not in path.parts
        }


class Spoiled(httpx.AsyncBaseTransport):
    """Spoils JSON replies on their way."""

    def __init__(self, network: httpx.AsyncBaseTransport, server: Server) -> None:
        self._network = network
        self._server = server

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._network.handle_async_request(request)
        spoils = self._server.spoils
        if spoils is None or "json" not in response.headers.get("content-type", ""):
            return response
        body = spoils(request, json.loads(await response.aread()))
        return httpx.Response(response.status_code, json=body)


@asynccontextmanager
async def server(tmp_path: Path, **options: Any) -> AsyncIterator[Server]:
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(running(tmp_path / "store.db", **options))
        yield Server(await make_base(http), tmp_path / "library")


def codes(report: Export) -> dict[str, str]:
    return {each.path: each.why.code for each in report.left}


async def test_what_vanishes_is_named_and_what_is_replaced_comes_as_it_is(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        gone = await here.made("gone.md", "It goes.")
        edited = await here.made("edited.md", "Before.")
        await here.made("rests.md", "It rests.")
        async with here.exporting() as (work, report):
            await here.base.http.delete(f"{here.base.url}/documents/{gone}")
            await here.base.update(edited, "edited.md", "After a while.")
            await work.carry_out(report, lambda: None)
        assert codes(report) == {"gone.md": say.VANISHED.code}
        assert report.exit == 3
        assert here.files() == {"edited.md": "After a while.", "rests.md": "It rests."}


async def test_a_second_run_follows_renames_new_twins_and_deletions(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        await here.made("left.md", "It stays here.")
        left = await here.made("dropped.md", "It was dropped.")
        renamed = await here.made("old.md", "One text.")
        await here.export()
        await here.base.http.delete(f"{here.base.url}/documents/{left}")
        await here.made("dropped.md", "It came again.")
        await here.base.update(renamed, "new.md", "One text.")
        await here.base.settled(renamed)
        report = await here.export()
        assert codes(report) == {}
        files = {"left.md": "It stays here.", "dropped.md": "It came again.", "new.md": "One text."}
        assert here.files() == files

        await here.base.http.delete(f"{here.base.url}/documents/{renamed}")
        report = await here.export()
        assert report.left_over == ["new.md"]
        assert [each.code for each in report.notices] == [say.LEFT_OVER.code]
        assert report.exit == 0
        (here.folder / "new.md").unlink()
        assert not (await here.export()).left_over


async def test_an_older_server_gives_the_text_of_chunks(tmp_path: Path) -> None:
    text = "First part.\n\nSecond part.\n\n" + "A long third part. " * 40
    async with server(tmp_path, dify="1.10") as here:
        await here.made("page.md", text)
        await here.made("page.html", "<p>Some words.</p>")
        await here.made("empty.md", "  ")
        report = await here.export(chunks=True)
        assert report.origins == {Origin.CHUNKS: 2}
        assert codes(report) == {"empty.md": say.NOTHING_STORED.code}
        files = here.files()
        assert files["page.html.txt"] == "Some words.\n"
        assert files["page.md"].split() == text.split()
        lines = [json.loads(line) for line in files["page.md.kbsync.chunks.jsonl"].splitlines()]
        assert [line["position"] for line in lines] == list(range(1, len(lines) + 1))
        assert all(line["content"] in text for line in lines)
        again = await here.export()
        assert (again.written, again.origins) == (0, report.origins)
        assert here.files().keys() == files.keys()


async def test_children_of_chunks_are_exported_when_they_are_asked_for(tmp_path: Path) -> None:
    part = {"separator": "\n", "max_tokens": 100, "chunk_overlap": 0}
    rules = {"parent_mode": "paragraph", "subchunk_segmentation": part}
    rules |= RULE["process_rule"]["rules"]  # type: ignore[operator, index]
    options = {
        "indexing_technique": "high_quality",
        "doc_form": "hierarchical_model",
        "process_rule": {"mode": "hierarchical", "rules": rules},
    }
    async with server(tmp_path) as here:
        await here.base.indexed("page.md", "One line.\nTwo lines.\n\nThree lines.", options)
        await here.export(chunks=True)
        first, _ = here.files()["page.md.kbsync.chunks.jsonl"].splitlines()
        children = [child["content"] for child in json.loads(first)["children"]]
        assert children == ["One line.", "Two lines."]


async def test_a_listing_that_does_not_come_to_rest_is_said(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        await here.made("a.md", "A text.")

        def spoils(request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
            if request.url.path.endswith("/documents"):
                return body | {"total": 2}
            return body

        here.spoils = spoils
        report = await here.export()
        assert [each.code for each in report.notices] == [say.LISTING_MOVED.code]
        assert report.exit == 3
        assert here.files() == {"a.md": "A text."}


async def test_what_is_not_whole_is_not_kept(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        await here.made("a.md", "A text.")

        def spoils(request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
            for row in body.get("data", []) if request.url.path.endswith("/documents") else []:
                row["data_source_detail_dict"]["upload_file"]["size"] = 99
            return body

        here.spoils = spoils
        assert codes(await here.export()) == {"a.md": say.CUT_SHORT.code}
        assert here.files() == {}


async def test_chunks_without_an_end_are_not_read_for_ever(tmp_path: Path) -> None:
    async with server(tmp_path, dify="1.10") as here:
        await here.made("a.md", "A text.")

        def spoils(request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
            return body | {"total": 900} if request.url.path.endswith("/segments") else body

        here.spoils = spoils
        assert codes(await here.export()) == {"a.md": say.CHUNKS_MOVED.code}
        assert here.files() == {}


def words_of(part: int) -> str:
    return " ".join(f"Wort{part}x{number}" for number in range(40)) + " für sich."


TEXT = "Ein Wort für sich. " * 30 + "Das Ende: süß, é!"


@pytest.mark.parametrize("name", ["note", "note.txt", "note.md"])
@pytest.mark.parametrize("letters", ["ß", "漢字"])
@pytest.mark.parametrize("end", ["", "\n"])
async def test_a_text_whose_end_is_cut_off_is_completed(
    tmp_path: Path, name: str, letters: str, end: str
) -> None:
    words = (f"{part} {letters * 9} " + words_of(part) for part in range(9))
    text = "\n\n".join(words) + end
    async with server(tmp_path) as here:
        body = {**RULE, "name": name, "text": text}
        reply = await here.base.http.post(f"{here.base.url}/document/create-by-text", json=body)
        await here.base.settled(reply.json()["document"]["id"])
        report = await here.export()
        assert report.origins == {Origin.COMPLETED: 1}
        assert list(here.files().values()) == [text]


@pytest.mark.parametrize("name", ["note", "note.txt"])
async def test_a_text_that_repeats_itself_is_never_silently_kept_without_its_end(
    tmp_path: Path, name: str
) -> None:
    text = "\n\n".join(f"{'漢字' * 60} {TEXT}" for _ in range(9))
    async with server(tmp_path) as here:
        body = {**RULE, "name": name, "text": text}
        reply = await here.base.http.post(f"{here.base.url}/document/create-by-text", json=body)
        await here.base.settled(reply.json()["document"]["id"])
        report = await here.export()
        [found] = here.files().values()
        expected = Origin.DOUBTFUL if name.endswith(".txt") else Origin.CHUNKS
        assert report.origins == {expected: 1}
        assert expected is Origin.DOUBTFUL or found.split()[-30:] == text.split()[-30:]


@pytest.mark.parametrize(
    ("content", "origin"),
    [
        (TEXT + "\n\n", Origin.ORIGINAL),
        (TEXT, Origin.ORIGINAL),
        (f"{TEXT}\n\n{TEXT}", Origin.DOUBTFUL),
    ],
)
async def test_a_file_of_text_stays_byte_for_byte_what_it_was(
    tmp_path: Path, content: str, origin: Origin
) -> None:
    async with server(tmp_path) as here:
        document = await here.made("page.txt", content)
        chunks = f"{here.base.url}/documents/{document}/segments"
        await here.base.http.post(chunks, json={"segments": [{"content": "By hand."}]})
        assert (await here.export()).origins == {origin: 1}
        assert here.files() == {"page.txt": content}


async def test_a_text_without_its_end_and_without_chunks_is_named(tmp_path: Path) -> None:
    async with server(tmp_path) as here:
        body = {**RULE, "name": "note", "text": TEXT}
        reply = await here.base.http.post(f"{here.base.url}/document/create-by-text", json=body)
        await here.base.settled(reply.json()["document"]["id"])

        def spoils(request: httpx.Request, body: dict[str, Any]) -> dict[str, Any]:
            empty = {"data": [], "total": 0}
            return body | empty if request.url.path.endswith("/segments") else body

        here.spoils = spoils
        assert codes(await here.export()) == {"note.txt": command_say.TEXT_CUT_OFF.code}
        assert here.files() == {}


async def test_each_download_is_counted_as_servers_count_it(tmp_path: Path) -> None:
    class Counting(RateLimiter):
        turns = 0

        def reserve(self, now: float) -> float:
            Counting.turns += 1
            return super().reserve(now)

    async with server(tmp_path) as here:
        for number in range(3):
            await here.made(f"{number}.md", f"Text {number}.")
        here.limiter = Counting(None)
        await here.export()
        assert Counting.turns == 3
