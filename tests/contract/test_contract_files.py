"""Sections 4.8 to 4.11: file names, types, size and content."""

from __future__ import annotations

import io
from typing import Any

import docx
import httpx
import openpyxl
import pytest
from abilities import Ability, needs
from contract_server import AUTOMATIC, Base, custom, refused

pytestmark = pytest.mark.anyio

ACCEPTED = [
    "txt",
    "markdown",
    "md",
    "mdx",
    "pdf",
    "html",
    "htm",
    "xlsx",
    "xls",
    "docx",
    "csv",
    "vtt",
    "properties",
]
REFUSED = [
    "json",
    "yaml",
    "yml",
    "rst",
    "adoc",
    "py",
    "js",
    "log",
    "tsv",
    "rtf",
    "odt",
    "png",
    "jpg",
    "mp3",
    "mp4",
    "exe",
    "zip",
]


@pytest.mark.parametrize(
    "name",
    [
        "naïve.md",
        "文档.md",
        "🎉.md",
        " lead.md",
        "a%20b.md",
        "a;b#c&d.md",
        "x.MD",
        "y.Txt",
        "a∕b.md",
    ],
)
async def test_4_8_kept_verbatim(base: Base, name: str) -> None:
    reply = await base.upload(name)
    assert reply.status_code == 200, reply.text
    found = reply.json()["document"]
    assert found["name"] == name
    if base.can(Ability.FILE_SHOWN):
        extension = found["data_source_detail_dict"]["upload_file"]["extension"]
        assert extension == name.rpartition(".")[2].lower()


@pytest.mark.parametrize("character", list("/\\:*?<>|"))
async def test_4_8_characters_that_are_refused(base: Base, character: str) -> None:
    reply = await base.upload(f"a{character}b.md")
    if base.can(Ability.ANY_PATH if character in "/\\" else Ability.ANY_NAME):
        assert reply.json()["document"]["name"] == f"a{character}b.md"
    else:
        refused(reply, 400, "invalid_param", "Filename contains invalid characters")


@pytest.mark.parametrize("name", ["noextension", "name.md.", ".md", "a.json"])
async def test_4_8_no_type_in_the_name(base: Base, name: str) -> None:
    type_refused(base, await base.upload(name))


def type_refused(base: Base, reply: httpx.Response) -> None:
    if base.can(Ability.NAMED_REFUSALS):
        refused(reply, 415, "unsupported_file_type")
    else:
        refused(reply, 400, "invalid_param")
        assert reply.json()["message"] == ""


OPTIONS_PART = (
    b'Content-Disposition: form-data; name="data"\r\n\r\n'
    b'{"indexing_technique":"economy","process_rule":{"mode":"automatic"}}'
)


async def by_hand(base: Base, *dispositions: bytes) -> httpx.Response:
    words = [b"Content-Disposition: form-data; " + d + b"\r\n\r\nwords" for d in dispositions]
    parts = [OPTIONS_PART, *words]
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts) + b"--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    return await base.http.post(base.call("create", "file"), content=body, headers=kind)


async def test_4_8_empty_name(base: Base) -> None:
    reply = await by_hand(base, b'name="file"; filename=""')
    refused(reply, 400, "filename_not_exists_error")


@pytest.mark.parametrize(
    "dispositions",
    [
        [b'name="file"; filename="\xe9.md"'],
        [b'name="file"; filename="a.md"', b'name="more"; title="\xe9"'],
        [b'name="file"; filename="a.md"\r\nX-Note: \xe9'],
    ],
)
async def test_4_8_raw_bytes_lose_the_whole_body(base: Base, dispositions: list[bytes]) -> None:
    lost = "indexing_technique is required."
    refused(await by_hand(base, *dispositions), 400, "invalid_param", lost)
    await base.indexed()
    refused(await by_hand(base, *dispositions), 400, "no_file_uploaded")


async def test_4_8_extended_name_wins(base: Base) -> None:
    disposition = b'name="file"; filename="a.md"; filename*=UTF-8\'\'%E6%96%87.md'
    reply = await by_hand(base, disposition)
    assert reply.status_code == 200, reply.text
    assert reply.json()["document"]["name"] == "文.md"


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("x" * 250 + ".md", "x" * 200 + ".md"),
        ("n." * 120 + "md", "n.md"),
        ("x" * 198 + ".md", "x" * 198 + ".md"),
    ],
)
async def test_4_8_long_names_are_cut_at_the_first_dot(base: Base, name: str, stored: str) -> None:
    reply = await base.upload(name)
    assert reply.status_code == 200, reply.text
    assert reply.json()["document"]["name"] == stored


@needs(Ability.MERGE)
async def test_4_8_two_long_names_collapse_and_overwrite(base: Base) -> None:
    first = await base.indexed("same." + "x" * 220 + ".md", "one")
    second = await base.indexed("same." + "y" * 220 + ".md", "two")
    assert first["id"] == second["id"]


async def test_4_9_accepted_types(base: Base) -> None:
    for extension in ACCEPTED:
        reply = await base.upload(f"a.{extension}", b"words to find")
        assert reply.status_code == 200, extension


async def test_4_9_refused_types(base: Base) -> None:
    for extension in REFUSED:
        type_refused(base, await base.upload(f"a.{extension}", b"words"))


async def test_4_10_size(base: Base) -> None:
    reply = await base.upload("large.txt", b"x" * (15 * 1024 * 1024 + 1))
    if base.server.kind == "real" and reply.status_code == 200:
        pytest.skip("this server takes larger files")
    if base.can(Ability.LARGE_IS_413):
        refused(reply, 413, "file_too_large")
    else:
        refused(reply, 400, "invalid_param")
        assert reply.json()["message"] == ""


@pytest.mark.parametrize(
    ("name", "content", "chunks"),
    [
        ("empty.md", b"", 0),
        ("blank.txt", b" \n\t \n", 0),
        ("nuls.txt", b"\0\0\0", 0),
        ("nothing.html", b"<html></html>", 0),
        ("header.csv", b"name,size\n", 0),
        ("one.txt", b"x", 1),
    ],
)
async def test_4_11_completed_with_few_chunks(
    base: Base, name: str, content: bytes, chunks: int
) -> None:
    document = await base.indexed(name, content)
    assert document["indexing_status"] == "completed"
    assert document["error"] is None
    assert len(await base.chunks(document["id"])) == chunks


async def test_4_11_empty_csv(base: Base) -> None:
    document = await base.indexed("empty.csv", b"")
    assert document["indexing_status"] == "error"
    assert document["error"] == "No columns to parse from file"


async def test_4_11_csv_with_a_quote_that_is_never_closed(base: Base) -> None:
    document = await base.indexed("quote.csv", b'a,b\nx,y\n"z,1\n')
    assert document["indexing_status"] == "error"
    assert "EOF inside string starting at row 2" in document["error"]


@pytest.mark.parametrize("extension", ["pdf", "docx", "xlsx", "xls"])
async def test_4_11_garbage_is_found_late(base: Base, extension: str) -> None:
    document = await base.indexed(f"garbage.{extension}", b"this is no such file")
    assert document["indexing_status"] == "error"
    assert document["error"]


async def test_4_11_text_with_nul(base: Base) -> None:
    document = await base.indexed("a.txt", b"wo\0rds")
    assert await base.chunks(document["id"]) == ["words"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "shift-jis"])
async def test_4_11_other_encodings_are_guessed_never_refused(base: Base, encoding: str) -> None:
    text = "日本語の文書です。" if encoding == "shift-jis" else "élèves à l'école, naturellement"
    document = await base.indexed("a.txt", text.encode(encoding))
    assert document["indexing_status"] == "completed"
    assert len(await base.chunks(document["id"])) >= 1


def workbook(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def word_document() -> bytes:
    document = docx.Document()
    document.add_paragraph("plain ").add_run("bold").bold = True
    table = document.add_table(rows=2, cols=2)
    for row, texts in zip(table.rows, [("city", "river"), ("Graz", "Mur")], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


SUBTITLES = b"WEBVTT\n\n00:00.000 --> 00:01.000\nhi there\n"


@pytest.mark.parametrize(
    ("name", "content", "chunks"),
    [
        (
            "a.csv",
            b"city,river\nGraz,Mur\n\nLinz,Donau\n",
            ["city: Graz;river: Mur", "city: Linz;river: Donau"],
        ),
        (
            "long row.csv",
            b"city,river\nGraz,Mur\nWien,Donau,Wien\nLinz,Donau\n",
            ["city: Graz;river: Mur", "city: Linz;river: Donau"],
        ),
        (
            "comma at the end.csv",
            b"city,river\nGraz,Mur,x\nLinz,Donau,y\n",
            ["city: Mur;river: x", "city: Donau;river: y"],
        ),
        ("semicolons.csv", b"city;river\nGraz;Mur\nLinz;Donau, Traun\n", ["city;river: Graz;Mur"]),
        ("names.csv", b"a,a,\nx,y,z\n", ["a: x;a.1: y;Unnamed: 2: z"]),
        (
            "a.xlsx",
            workbook(("n", "x"), (1, 2.5), (None, "z")),
            ['n":"1";"x":"2.5"', 'n":"";"x":"z"'],
        ),
        ("title.xlsx", workbook(("Title",), ("n", None, "x"), ("a", "b", "c")), ['n":"a";"x":"c"']),
        ("a.docx", word_document(), ["plainbold\n| city | river |\n| --- | --- |\n| Graz | Mur |"]),
        ("a.html", b"<h1>one</h1><p>two &amp; three</p><style>x</style>", ["onetwo & three"]),
        (
            "charset.html",
            '<meta charset="windows-1251"><p>Привет</p>'.encode("cp1251"),
            ["Привет"],
        ),
        ("a.vtt", SUBTITLES, [SUBTITLES.decode().strip()]),
        ("a.properties", b"! note\nkey = a value\n", ["! note\nkey = a value"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_4_11_what_a_file_becomes(
    base: Base, name: str, content: bytes, chunks: list[str]
) -> None:
    document = await base.indexed(name, content)
    assert await base.chunks(document["id"]) == chunks


async def test_4_11_markdown_is_split_by_headings(base: Base) -> None:
    document = await base.indexed("a.md", "# One\n\nalpha\n\n## Two\n\nbeta")
    assert len(await base.chunks(document["id"])) == 2


async def test_16_markdown_by_file_loses_what_looks_like_a_tag(base: Base) -> None:
    by_file = await base.indexed("a.md", "use List<String> or <placeholder> now")
    assert "String" not in " ".join(await base.chunks(by_file["id"]))
    reply = await base.text("b", "use List<String> or <placeholder> now")
    await base.settled(reply.json()["document"]["id"])
    assert await base.chunks(reply.json()["document"]["id"]) == [
        "use List<String> or <placeholder> now"
    ]


@pytest.mark.parametrize(
    ("text", "chunk"),
    [
        ("# Heading", "Heading"),
        ("/usr/bin", "usr/bin"),
        ("__init__", "init__"),
        ("one\r\ntwo\rthree four", "one\ntwo\nthree four"),
        ("one\r\ntwo\rthree", "onetwothree"),
        ("one.\ntwo", "one.two"),
        ("one\u3002\ntwo", "one\u3002\ntwo"),
        ("\u3010note\u3011", "\u3010note\u3011"),
        ("\u2026dots", "\u2026dots"),
        ("\u2e02x\u3012", "x\u3012"),
        ("a <|b|> c", "a <b> c"),
        ("  padded  ", "padded"),
    ],
)
async def test_16_chunks_of_text_come_back_in_a_normal_form(
    base: Base, text: str, chunk: str
) -> None:
    assert await chunks_of(base, text, **AUTOMATIC) == [chunk]


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("one\r\ntwo\rthree", ["one\ntwo\nthree"]),
        ("one. " * 12, ["one. " * 9 + "one.", "one. one."]),
        ("a" * 40 + "\n" + "b" * 20, ["a" * 40 + "b" * 10, "b" * 10]),
    ],
)
async def test_16_what_a_custom_rule_makes_of_pieces_that_are_too_long(
    base: Base, text: str, chunks: list[str]
) -> None:
    assert await chunks_of(base, text, **custom(max_tokens=50)) == chunks


async def test_16_a_custom_rule_takes_blanks_from_pieces_that_are_too_long(base: Base) -> None:
    found = await chunks_of(base, "alpha beta " * 8, **custom(max_tokens=50))
    if base.can(Ability.SPARED_TEXT):
        assert found == ["alpha beta " * 4 + "alpha", "beta alpha " * 3 + "beta"]
    else:
        assert found == ["alphabeta" * 5 + "alpha", "beta" + "alphabeta" * 2]


async def test_16_letters_and_brackets_that_old_versions_take(base: Base) -> None:
    kept = "na\u00efve" if base.can(Ability.SPARED_TEXT) else "nave"
    assert await chunks_of(base, "na\u00efve words", **AUTOMATIC) == [f"{kept} words"]
    start = "[] " if base.can(Ability.BRACKETS_KEPT) else ""
    assert await chunks_of(base, "[] \u3012x", **AUTOMATIC) == [f"{start}\u3012x"]


async def chunks_of(base: Base, text: str, **options: Any) -> list[str]:
    document = (await base.text("a", text, **options)).json()["document"]["id"]
    await base.settled(document)
    return await base.chunks(document)


async def test_16_a_separator_that_is_no_escape_is_an_error(base: Base) -> None:
    reply = await base.text("a", "some words", **custom(separator="\\"))
    found = await base.settled(reply.json()["document"]["id"])
    assert found["indexing_status"] == "error"
    assert "unicode" in found["error"]
