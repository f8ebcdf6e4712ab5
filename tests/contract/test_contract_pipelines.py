"""Section 14: knowledge bases with a pipeline.

No API makes one, so that a real server is asked only if it has one: `KBSYNC_CONTRACT_PIPELINE` is
its id; without, the first that is published. Its pipeline has to take a text file and no inputs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from abilities import Ability, needs
from contract_server import NOWHERE, Base, Json, Quirky, refused
from test_contract_remote import CHUNKING, Words, client_of, done

from kbsync.dify.remote import DifyRemote
from kbsync.messages import remote as messages
from kbsync.model import Ambiguous, Gone, NotSent, Rejected, Unauthorized

pytestmark = pytest.mark.anyio

TEXT = "Pump one.\n\nValve two.\n\nSeal three."


class Pipeline:
    """A base with a pipeline, and what the tests do with it."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self.made: list[str] = []

    async def uploaded(self, name: str, content: str = TEXT) -> str:
        reply = await self.upload(name, content)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    async def upload(self, name: str, content: str = TEXT) -> httpx.Response:
        files = {"file": (name, content.encode(), "text/plain")}
        return await self.base.http.post("/datasets/pipeline/file-upload", files=files)

    async def run(self, *files: tuple[str, str], **more: Any) -> Json:
        """Run the pipeline over (id, name) of files; return the reply."""
        reply = await self.base.http.post(
            f"{self.base.url}/pipeline/run", json=body(*files, **more)
        )
        assert reply.status_code == 200, reply.text
        answer: Json = reply.json()
        self.made += [each["id"] for each in answer["documents"]]
        return answer

    async def document(self, name: str) -> Json:
        """Make a document, and return it once it is indexed."""
        run = await self.run((await self.uploaded(name), name))
        return await self.base.settled(run["documents"][0]["id"])

    async def emptied(self) -> None:
        for document in self.made:
            await self.base.http.delete(f"{self.base.url}/documents/{document}")


def body(*files: tuple[str, str], **more: Any) -> Json:
    infos = [{"related_id": file, "reference": file, "name": name} for file, name in files]
    return {
        "inputs": {},
        "datasource_type": "local_file",
        "datasource_info_list": infos,
        "start_node_id": "src",
        "is_published": True,
        "response_mode": "blocking",
        **more,
    }


@pytest.fixture
async def pipeline(pipeline_base: Base) -> AsyncIterator[Pipeline]:
    found = Pipeline(pipeline_base)
    yield found
    await found.emptied()


async def test_14_a_base_says_that_it_has_one(pipeline: Pipeline) -> None:
    shown = await pipeline.base.shown()
    assert shown["runtime_mode"] == "rag_pipeline"
    assert shown["is_published"] is True
    assert shown["pipeline_id"]
    assert shown["chunk_structure"] == shown["doc_form"] == "text_model"
    reply = await pipeline.base.http.get(f"{pipeline.base.url}/pipeline/datasource-plugins")
    [node] = reply.json()
    assert node["datasource_type"] == "local_file"
    assert node["user_input_variables"] == []


@needs(Ability.PIPELINES)
async def test_14_a_base_without_one(base: Base) -> None:
    reply = await base.http.get(f"{base.url}/pipeline/datasource-plugins")
    refused(reply, 400, "invalid_param", "Pipeline not found")
    reply = await base.http.post(f"{base.url}/pipeline/run", json=body())
    refused(reply, 400, "invalid_param", "Pipeline not found")


async def test_14_an_uploaded_file_is_no_document(pipeline: Pipeline) -> None:
    before = (await pipeline.base.shown())["document_count"]
    reply = await pipeline.upload("größe.txt")
    assert reply.status_code == 201, reply.text
    names = {"id", "name", "size", "extension", "mime_type", "created_by", "created_at"}
    assert set(reply.json()) == names
    assert (reply.json()["name"], reply.json()["extension"]) == ("größe.txt", "txt")
    assert reply.json()["size"] == len(TEXT.encode())
    assert (await pipeline.base.shown())["document_count"] == before
    for any_type in ("a.exe", "none", "a.xyz"):
        assert (await pipeline.upload(any_type)).status_code == 201
    refused(await pipeline.upload("a/b.txt"), 400, "invalid_param", "Filename contains invalid")
    reply = await pipeline.base.http.post("/datasets/pipeline/file-upload")
    refused(reply, 400, "no_file_uploaded", "Please upload your file.")


async def test_14_a_run_makes_a_document(pipeline: Pipeline) -> None:
    base = pipeline.base
    file = await pipeline.uploaded("a.txt")
    run = await pipeline.run((file, "sub/a:b?.txt"))
    assert set(run) == {"batch", "dataset", "documents"}
    [made] = run["documents"]
    assert made["name"] == "sub/a:b?.txt"
    assert (made["indexing_status"], made["data_source_type"]) == ("waiting", "local_file")
    shown = await base.settled(made["id"])
    assert shown["indexing_status"] == "completed"
    assert (shown["data_source_type"], shown["data_source_info"]) == ("local_file", {})
    assert shown["created_from"] == "rag-pipeline"
    assert shown["dataset_process_rule_id"] is None
    row = await base.row(made["id"])
    assert row["data_source_type"] == "local_file"
    assert row["data_source_info"]["related_id"] == file
    assert row["data_source_detail_dict"] == {}
    assert row["tokens"] is None
    assert row["word_count"] > 0
    status = await base.http.get(f"{base.url}/documents/{run['batch']}/indexing-status")
    [progress] = status.json()["data"]
    assert progress["indexing_status"] == "completed"
    assert progress["processing_started_at"] is None
    assert progress["completed_segments"] == progress["total_segments"] > 0


async def test_14_its_bytes_cannot_be_had_and_it_can_be_marked_and_deleted(
    pipeline: Pipeline,
) -> None:
    base = pipeline.base
    document = (await pipeline.document("a.txt"))["id"]
    reply = await base.http.get(f"{base.url}/documents/{document}/download")
    refused(reply, 404, "not_found", "Document does not have an uploaded file to download.")
    field = await base.field("contract")
    value = {"id": field, "name": "contract", "value": "x"}
    assert (await base.assign(document, value)).status_code == 200
    assert (await base.values(document))["contract"] == "x"
    await base.http.delete(f"{base.url}/metadata/{field}")
    reply = await base.http.delete(f"{base.url}/documents/{document}")
    assert reply.status_code == 204
    reply = await base.http.get(f"{base.url}/documents/{document}")
    refused(reply, 404, "not_found", "Document not found.")


async def test_14_there_is_no_update_by_run_and_no_merge(pipeline: Pipeline) -> None:
    base, name = pipeline.base, "kbsync twice.txt"
    one = await pipeline.document(name)
    file = await pipeline.uploaded(name)
    run = await pipeline.run((file, name), original_document_id=one["id"])
    assert run["documents"][0]["id"] != one["id"]
    reply = await base.upload(name, TEXT)
    assert reply.status_code == 200, reply.text
    classic = reply.json()["document"]["id"]
    pipeline.made.append(classic)
    assert classic not in {one["id"], run["documents"][0]["id"]}
    assert (await base.settled(classic))["data_source_type"] == "upload_file"
    assert len(await base.listed(keyword=name)) == 3


async def test_14_a_run_of_several_files_and_of_none(pipeline: Pipeline) -> None:
    base = pipeline.base
    file = await pipeline.uploaded("a.txt")
    run = await pipeline.run((file, "a.txt"), (file, "b.txt"), (file, "c.txt"))
    assert [each["name"] for each in run["documents"]] == ["a.txt", "b.txt", "c.txt"]
    first = run["documents"][0]["id"]
    await base.settled(first)
    await base.http.delete(f"{base.url}/documents/{first}")
    for each in run["documents"][1:]:
        assert (await base.settled(each["id"]))["indexing_status"] == "completed"
    status = await base.http.get(f"{base.url}/documents/{run['batch']}/indexing-status")
    assert len(status.json()["data"]) == 2
    assert (await pipeline.run())["documents"] == []


async def test_14_what_a_run_cannot_make(pipeline: Pipeline) -> None:
    base = pipeline.base
    run = await pipeline.run((NOWHERE, "a.txt"))
    assert (await base.settled(run["documents"][0]["id"]))["indexing_status"] == "error"
    reply = await base.http.post(f"{base.url}/pipeline/run", json={})
    refused(reply, 400, "invalid_param", "6 validation errors for PipelineRunApiEntity")
    reply = await base.http.post(f"/datasets/{NOWHERE}/pipeline/run", json=body())
    refused(reply, 404, "not_found", "Dataset not found.")
    long = body((await pipeline.uploaded("a.txt"), "x" * 256 + ".txt"))
    reply = await base.http.post(f"{base.url}/pipeline/run", json=long)
    assert (reply.status_code, reply.json()["code"]) == (500, "pipeline_run_error")
    assert "value too long" in reply.json()["message"]


async def test_14_a_wrong_beginning_leaves_a_document_waiting(pipeline: Pipeline) -> None:
    file = await pipeline.uploaded("a.txt")
    run = await pipeline.run((file, "waits.txt"), start_node_id="nowhere")
    await pipeline.document("does not wait.txt")
    waits = await pipeline.base.get(run["documents"][0]["id"])
    assert waits["indexing_status"] == "waiting"


# -- kbsync's own port over it --------------------------------------------------------------------


async def test_the_port_makes_documents_beside_others(pipeline: Pipeline) -> None:
    base = pipeline.base
    async with client_of(base.server) as client:
        remote = DifyRemote(client)
        found = done(await remote.base(base.id))
        assert (found.mode, found.has_pipeline, found.refusal) == ("pipeline", True, None)
        name = "kbsync port.txt"
        one = done(await remote.create(base.id, name, Words(TEXT), CHUNKING))
        pipeline.made.append(one.document.id)
        other = done(await remote.create(base.id, name, Words(TEXT), CHUNKING))
        pipeline.made.append(other.document.id)
        assert one.document.id != other.document.id
        assert one.batch
        await base.settled(one.document.id)
        progress = done(await remote.progress(base.id, one.document.id, one.batch))
        assert progress.completed == progress.total > 0
        # The rev says that it is the same file: in a run's reply, a get and a list.
        got = done(await remote.document(base.id, one.document.id))
        listed = {each.id: each for each in done(await remote.named(base.id, name))}
        revs = {one.document.rev, got.rev, listed[one.document.id].rev}
        assert len(revs) == 1
        assert revs != {""}
        assert revs != {other.document.rev}
        gone = await remote.original(base.id, one.document.id, largest=100)
        assert isinstance(gone, Gone)


async def test_the_port_knows_it_by_its_name(quirky: Quirky) -> None:
    async with quirky("pipeline-bases") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            [found] = done(await remote.bases_named(base.name))
            assert found.has_pipeline
            made = done(await remote.create(base.id, "a.txt", Words(TEXT), CHUNKING))
            shown = await base.get(made.document.id)
            assert shown["created_from"] == "rag-pipeline"


async def test_a_pipeline_that_is_no_more_published_sends_nothing(quirky: Quirky) -> None:
    async with quirky("pipeline-bases=draft") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            found = done(await remote.base(base.id))
            assert found.refusal is not None
            assert found.refusal.message is messages.PIPELINE_DRAFT
            outcome = await remote.create(base.id, "a.txt", Words(TEXT), CHUNKING)
            assert isinstance(outcome, NotSent), "and never a create by file"
            assert not await base.listed()


async def test_missing_inputs_are_the_pipelines_refusal(quirky: Quirky) -> None:
    async with quirky("pipeline-bases=inputs") as server:
        base = await server.new_base()
        async with client_of(server) as client:
            remote = DifyRemote(client)
            assert done(await remote.base(base.id)).refusal is None
            outcome = await remote.create(base.id, "a.txt", Words(TEXT), CHUNKING)
            assert isinstance(outcome, Unauthorized)
            assert outcome.why.message is messages.PIPELINE_INPUTS


async def test_a_name_that_is_refused_and_a_run_that_fails(pipeline: Pipeline) -> None:
    base = pipeline.base
    async with client_of(base.server) as client:
        remote = DifyRemote(client)
        done(await remote.base(base.id))
        outcome = await remote.create(base.id, "a/b.txt", Words(TEXT), CHUNKING)
        assert isinstance(outcome, Rejected)
        outcome = await remote.create(base.id, "x" * 256 + ".txt", Words(TEXT), CHUNKING)
        assert isinstance(outcome, Ambiguous), "the run failed, and may have made one"
