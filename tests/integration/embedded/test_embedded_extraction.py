import io
import struct
import warnings

import docx
import openpyxl
import pytest
from bs4 import BeautifulSoup
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.text.run import Run
from embedded_client import Base, custom
from hypothesis import given
from hypothesis import strategies as st

from kbsync.embedded.extract.html import read_html

pytestmark = pytest.mark.anyio


def small_pdf(*pages: str) -> bytes:
    """A PDF with one line of text per page, written by hand."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    bodies = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, text in enumerate(pages):
        drawing = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET"
        bodies.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            f"/Resources << /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
        )
        bodies.append(f"<< /Length {len(drawing)} >>\nstream\n{drawing}\nendstream")
    written = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(bodies, 1):
        offsets.append(len(written))
        written += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(bodies) + 1
    trailer = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def small_docx() -> bytes:
    document = docx.Document()
    document.add_paragraph("The first paragraph.")
    table = document.add_table(rows=2, cols=2)
    for row, cells in zip(table.rows, [("city", "river"), ("Graz", "Mur")], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.add_paragraph("The last paragraph.")
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def linked_docx() -> bytes:
    document = docx.Document()
    paragraph = document.add_paragraph("one ")
    paragraph.add_run("bold").bold = True
    target = document.part.relate_to("https://example.org/", RT.HYPERLINK, is_external=True)
    link = OxmlElement("w:hyperlink")
    link.set(qn("r:id"), target)
    link.append(Run(OxmlElement("w:r"), paragraph)._r)
    Run(link[0], paragraph).text = "a link"
    paragraph._p.append(link)
    document.add_paragraph("")
    document.add_paragraph("last words")
    merged = document.add_table(rows=2, cols=2)
    merged.cell(0, 0).merge(merged.cell(0, 1)).text = "both"
    merged.cell(1, 1).text = "right"
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def small_xlsx(*rows: tuple[object, ...]) -> bytes:
    workbook = openpyxl.Workbook()
    assert workbook.active is not None
    for row in rows:
        workbook.active.append(row)
    file = io.BytesIO()
    workbook.save(file)
    return file.getvalue()


def small_xls(*rows: tuple[str, ...]) -> bytes:
    """A workbook of the oldest Excel format: one sheet, a record per cell."""
    written = struct.pack("<4H", 0x09, 4, 2, 0x10)
    for row, cells in enumerate(rows):
        for column, text in enumerate(cells):
            label = struct.pack("<2H3xB", row, column, len(text)) + text.encode()
            written += struct.pack("<2H", 0x04, len(label)) + label
    return written + struct.pack("<2H", 0x0A, 0)


CHUNKS = [
    ("a.txt", b"plain text", ["plain text"]),
    ("a.md", b"# H1\n\npara one\n\n## H2\n\npara two", ["H1\npara one", "H2\npara two"]),
    ("a.markdown", b"no heading", ["no heading"]),
    ("a.mdx", b"# One\nx", ["One\nx"]),
    ("front.md", b"---\ntitle: X\n---\n# H\n\nbody", ["---\ntitle: X\n---", "H\nbody"]),
    ("code.md", b"# A\n```\n# no heading\n```", ["A\n```\n# no heading\n```"]),
    ("tags.md", b"a List<String> and <b>bold</b>", ["a List and bold"]),
    ("a.html", b"<h1>T</h1><p>para &amp; x</p><script>1</script>", ["Tpara & x"]),
    ("a.htm", b"<p>x</p>", ["x"]),
    ("address.html", b"https://example.org", ["https://example.org"]),
    ("strict.html", b'<?xml version="1.0"?><html xmlns="x"><p>strict</p></html>', ["strict"]),
    ("a.csv", b"city,river\nGraz,Mur\nLinz,Donau\n", ["city: Graz;river: Mur",
                                                     "city: Linz;river: Donau"]),
    ("quoted.csv", b'a,b\n"x, y","two\nlines"\n', ["a: x, y;b: two\nlines"]),
    ("mark.csv", b"\xef\xbb\xbfa,b\nx,y\n", ["a: x;b: y"]),
    ("cell.csv", b'a,b\nx"y,z\n', ['a: x"y;b: z']),
    ("short.csv", b"a,b\n1\n", ["a: 1;b:"]),
    ("a.xlsx", small_xlsx(("n", "x"), (1, 2.5), (None, None), ("z", True)), ['n":"1";"x":"2.5"',
                                                                           'n":"z";"x":"True"']),
    ("titled.xlsx", small_xlsx(("Title",), ("n", None, "x"), ("a", "b", "c", "d")),
     ['n":"a";"x":"c"']),
    ("narrow.xlsx", small_xlsx(("n",), ('say "x"',)), ['n":"say \\"x\\""']),
    ("a.xls", small_xls(("city", "river"), ("Graz", "Mur")), ['city":"Graz";"river":"Mur"']),
    ("header.xlsx", small_xlsx(("n", "x")), []),
    ("a.docx", small_docx(), ["The first paragraph.\n| city | river |\n"
                              "| --- | --- |\n| Graz | Mur |\n"
                              "The last paragraph."]),
    ("links.docx", linked_docx(), ["onebold[a link](https://example.org/)\n\nlast words\n"
                                   "| both | |\n| --- | --- |\n| | right |"]),
    ("a.pdf", small_pdf("Page one", "Page two"), ["Page one", "Page two"]),
    ("a.properties", b"! note\na=1\nb : caf\\u00e9\n", ["! note\na=1\nb : caf\\u00e9"]),
    ("broken.vtt", b"no subtitles", ["no subtitles"]),
    ("EMPTY.TXT", b"", []),
    ("bom.md", b"\xef\xbb\xbf# Title", ["\ufeff# Title"]),
    ("crlf.txt", b"a\r\nb\rc d", ["a\nb\nc d"]),
    ("lines.txt", b"a\nb\nc", ["abc"]),
    ("utf16.txt", "grüße".encode("utf-16"), ["grüße"]),
    ("sjis.txt", ("日本語の文章です。" * 20).encode("shift_jis"), ["日本語の文章です。" * 20]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "chunks"), CHUNKS, ids=[row[0] for row in CHUNKS])
async def test_a_file_becomes_these_chunks(
    base: Base, name: str, content: bytes, chunks: list[str]
) -> None:
    document = await base.indexed(name, content)
    found = await base.get(document)
    assert found["error"] is None
    assert found["indexing_status"] == "completed"
    assert await base.chunks(document) == chunks
    listed = (await base.http.get(f"{base.url}/documents")).json()["data"][0]
    assert listed["word_count"] == sum(map(len, chunks))


MARKUP = [
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<br>",
    "<br/>",
    "</br>",
    "<pre>",
    "</pre>",
    "<script>",
    "</script>",
    "<style>",
    "</style>",
    "<rt>",
    "</rt>",
    "<template>",
    "</template>",
    "<!-- c -->",
    "<![CDATA[ x ]]>",
    "<!DOCTYPE html>",
    "<?pi x>",
    "<textarea>",
    "</textarea>",
    " ",
    "\n",
    "\t ",
    "a",
    "b & c",
    "&amp;",
    "&copy",
    "&none;",
    "&ampx;",
    "&#65;",
    "&#150;",
    "&#xZZ;",
    "&#0;",
    "&",
    "<",
    "<3",
    ">",
    "<a href='x'>",
    "</a",
    "<div",
    "<img src=x>",
    "</img>",
    "<div>",
    "</div>",
    "</",
    "é",
    "<p/>",
]


@given(pieces=st.lists(st.sampled_from(MARKUP), max_size=14))
def test_a_page_has_the_text_that_the_library_of_the_real_server_finds(pieces: list[str]) -> None:
    page = "".join(pieces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = BeautifulSoup(page, "html.parser").get_text().strip()
    assert read_html(page.encode()) == [expected]


async def test_an_overlap_beyond_the_length_is_the_documents_error(base: Base) -> None:
    segmentation = {"separator": "x", "max_tokens": 60, "chunk_overlap": 61}
    document = await base.indexed("a.txt", "text", custom(segmentation=segmentation))
    assert "larger chunk overlap (61)" in (await base.get(document))["error"]


async def test_a_custom_separator_cuts_everywhere_and_lengths_are_characters(base: Base) -> None:
    text = "short\n\n" + "word " * 40 + "\n\nlast"
    chunks = await base.chunks(await base.indexed("a.txt", text, custom(max_tokens=60)))
    assert chunks[0] == "short"
    assert chunks[-1] == "last"
    assert all(len(chunk) <= 60 for chunk in chunks)
    assert " ".join(chunks[1:-1]) == " ".join(["word"] * 40), "cut at blanks, which are kept"


async def test_a_long_line_is_cut_with_overlap(base: Base) -> None:
    document = await base.indexed("a.txt", "x" * 200_000)
    assert (await base.get(document))["segment_count"] == 445


async def test_pre_processing_rules(base: Base) -> None:
    on = [{"id": "remove_extra_spaces", "enabled": True}]
    on += [{"id": "remove_urls_emails", "enabled": True}]
    text = "a    b\n\n\n\nc me@example.org see https://example.org/x or [it](https://example.org)"
    rules = custom(separator="###", pre_processing_rules=on)
    assert await base.chunks(await base.indexed("a.txt", text, rules)) == [
        "a b\n\nc  see  or [it](https://example.org)"
    ]


async def test_pre_processing_rules_run_in_the_order_of_the_request(base: Base) -> None:
    on = [{"id": "remove_urls_emails", "enabled": True}]
    on += [{"id": "remove_extra_spaces", "enabled": True}]
    rules = custom(separator="###", pre_processing_rules=on)
    document = await base.indexed("a.txt", "see https://example.org/x or", rules)
    assert await base.chunks(document) == ["see or"]


async def test_the_hierarchical_form_completes_with_nothing_searchable(base: Base) -> None:
    sub = {"separator": "\n", "max_tokens": 200, "chunk_overlap": 0}
    options = custom(parent_mode="paragraph", subchunk_segmentation=sub)
    options["process_rule"]["mode"] = "hierarchical"
    options["doc_form"] = "hierarchical_model"
    reply = await base.upload("p.md", "one a\nline b\n\ntwo c", options)
    document = reply.json()["document"]["id"]
    await base.settled(document)
    progress = await base.http.get(f"{base.url}/documents/{reply.json()['batch']}/indexing-status")
    assert progress.json()["data"][0]["indexing_status"] == "completed"
    assert progress.json()["data"][0]["completed_segments"] == 0
    assert progress.json()["data"][0]["total_segments"] == 2
    assert await base.search("line") == []
    segment = (await base.http.get(f"{base.url}/documents/{document}/segments")).json()["data"][0]
    assert [child["content"] for child in segment["child_chunks"]] == ["one a", "line b"]
