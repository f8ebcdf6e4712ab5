import json
from typing import Any

import httpx
import pytest
from embedded_client import AUTOMATIC, Base, custom

pytestmark = pytest.mark.anyio
CREATE = "/document/create-by-file"


async def raw(base: Base, body: bytes, boundary: str = "BB") -> httpx.Response:
    kind = f"multipart/form-data; boundary={boundary}"
    return await base.http.post(base.url + CREATE, content=body, headers={"content-type": kind})


def parts(disposition: bytes, content: bytes = b"hello") -> bytes:
    options = json.dumps(AUTOMATIC).encode()
    return (
        b'--BB\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + options
        + b"\r\n--BB\r\nContent-Disposition: form-data; " + disposition
        + b"\r\nContent-Type: text/markdown\r\n\r\n" + content + b"\r\n--BB--\r\n"
    )  # fmt: skip


KEPT = [
    "日本語 ファイル名.md", "résumé naïve.md", "re\u0301sume.md", "📄 doc 🚀.md", "\u202egnp.md",
    " leading and trailing .md", "a.b.c.md", ".hidden.md", "UPPER.MD", "a%20b%2F.md", "a;b.md",
    "a#b&c=d+e.md", "-rf.md", "a__b.md", "a／b.md", "n" * 197 + ".md",
]  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
async def test_names_that_are_kept(base: Base, name: str) -> None:
    document = (await base.upload(name, "text")).json()["document"]
    assert document["name"] == name
    assert document["data_source_detail_dict"]["upload_file"]["name"] == name
    assert document["data_source_detail_dict"]["upload_file"]["extension"] == "md"


@pytest.mark.parametrize("name", ["a.doc", "a.pptx"])
async def test_a_refused_type_has_no_message_on_create_and_one_on_update(
    base: Base, name: str
) -> None:
    reply = await base.upload(name, "text")
    assert reply.json() == {"code": "invalid_param", "message": "", "status": 400}
    document = await base.indexed("a.md", "text")
    reply = await base.update(document, name, "text")
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported_file_type")


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("漢" * 297 + ".MD", "漢" * 200 + ".md"),
    ],
)
async def test_a_name_beyond_200_is_cut_at_its_first_dot(
    base: Base, name: str, stored: str
) -> None:
    assert (await base.upload(name, "text")).json()["document"]["name"] == stored


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="file"; filename="ünïcode.md"'.encode(), "ünïcode.md"),
        (b"name=\"file\"; filename*=UTF-8''%E6%97%A5.md", "日.md"),
        (b'name="file"; filename="%E6%97%A5.md"', "%E6%97%A5.md"),
        (b"name=file; filename=plain.md", "plain.md"),
    ],
)
async def test_how_a_file_name_is_read(base: Base, disposition: bytes, name: str) -> None:
    reply = await raw(base, parts(disposition))
    assert reply.json()["document"]["name"] == name


@pytest.mark.parametrize(
    ("disposition", "code"),
    [
        (b'name="file"; filename="a/%22b.md"', "invalid_param"),
        (b'name="file"; filename="a/\\"b.md"', "invalid_param"),
        (b'name="file"', "no_file_uploaded"),
    ],
)
async def test_file_parts_that_are_refused(base: Base, disposition: bytes, code: str) -> None:
    await base.upload("first.md", "x")
    reply = await raw(base, parts(disposition))
    assert (reply.status_code, reply.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    ("body", "boundary"),
    [(parts(b'name="file"; filename="a.md"')[:-12], "BB"), (b"xx", "BB"), (b"xx", "x" * 300)],
)
async def test_a_torn_body_has_no_parts(base: Base, body: bytes, boundary: str) -> None:
    await base.upload("first.md", "x")
    reply = await raw(base, body, boundary)
    assert reply.json()["code"] == "no_file_uploaded"


async def test_which_of_several_parts_counts(base: Base) -> None:
    data = ("data", (None, json.dumps(AUTOMATIC)))
    one, two = ("file", ("one.md", b"1")), ("file", ("two.md", b"2"))

    async def send(*given: Any) -> httpx.Response:
        return await base.http.post(base.url + CREATE, files=list(given))

    assert (await send(one, two, data)).json()["document"]["name"] == "one.md"
    assert (await send(data, ("data", (None, "{broken")), one)).status_code == 200
    assert (await send(data, ("user", (None, "bob")), one)).status_code == 200


RULE = {"mode": "automatic"}
NEEDS: list[tuple[object, int, str]] = [
    ({}, 400, "indexing_technique is required."),
    ({"process_rule": RULE}, 400, "indexing_technique is required."),
    ({"indexing_technique": "economy", "process_rule": None}, 400, "process_rule is required."),
    ({"indexing_technique": "cheap", "process_rule": RULE}, 400, "1 validation error for Know"),
    ({"indexing_technique": "high_quality", "process_rule": RULE,
      "embedding_model_provider": "kbsync", "embedding_model": "y"}, 400,
     "Model y credentials is not initialized."),
    (AUTOMATIC | {"process_rule": {"mode": "foo"}}, 400, "1 validation error for KnowledgeConfig"),
    (AUTOMATIC | {"process_rule": {"mode": "custom"}}, 400, "Process rule rules is required"),
    (AUTOMATIC | {"process_rule": {"mode": "custom", "rules": {}}}, 400,
     "Process rule pre_processing_rules is required"),
    (custom(segmentation=None), 400, "Process rule segmentation is required"),
    (custom(segmentation={"separator": "x"}), 400, "1 validation error for KnowledgeConfig"),
    (AUTOMATIC | {"retrieval_model": {"search_method": "keyword_search"}}, 400,
     "3 validation errors for KnowledgeConfig"),
    (AUTOMATIC | {"embedding_model_provider": "x"}, 500, "Internal Server Error"),
    (AUTOMATIC | {"embedding_model_provider": "x", "embedding_model": "y"}, 400,
     "Provider x does not exist."),
    ([], 500, "Internal Server Error"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "status", "message"), NEEDS)
async def test_what_a_first_upload_needs(
    base: Base, options: Any, status: int, message: str
) -> None:
    reply = await base.upload("a.md", "text", options)
    assert reply.status_code == status
    assert reply.json()["message"].startswith(message)
    assert await base.names() == []
    assert (await base.http.get(base.url)).json()["indexing_technique"] is None


async def test_by_text(base: Base) -> None:
    async def create(**payload: Any) -> httpx.Response:
        return await base.http.post(f"{base.url}/document/create_by_text", json=payload)

    first = await create(name="dir/x\n.md", text="grün", indexing_technique="economy")
    file = first.json()["document"]["data_source_detail_dict"]["upload_file"]
    assert (file["name"], file["size"], file["extension"]) == ("dir/x\n.md", 4, "txt")
    assert "Field required" in (await create(name="x", text="y")).json()["message"]
    nul = await create(name="a\0b", text="y", indexing_technique="economy")
    assert nul.json()["message"] == "A string literal cannot contain NUL (0x00) characters."
    lone = await base.http.post(
        f"{base.url}/document/create-by-text",
        content=rb'{"name": "\ud800", "text": "y", "indexing_technique": "economy"}',
        headers={"content-type": "application/json"},
    )
    assert (lone.status_code, lone.json()["code"]) == (400, "invalid_param")
