"""Rich files become Markdown or rows, the same each time; what attacks its library is named."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kbsync.messages import Notice
from kbsync.messages import source as says
from kbsync.source.convert.converters import CONVERTERS, missing, version
from kbsync.source.convert.process import LARGEST, Converting
from kbsync.source.convert.program import MEMORY
from tests import rich_files
from tests.integration.embedded import bombs
from tests.integration.embedded.bombs import MIB

if absent := sorted({package for ending in CONVERTERS for package in missing(ending)}):
    pytest.skip(f"install {' '.join(absent)}", allow_module_level=True)


@pytest.fixture(scope="module")
def converting() -> Iterator[Converting]:
    """What converts for every test that asks nothing of its process."""
    made = Converting()
    yield made
    made.end()


@pytest.fixture
def own() -> Iterator[Converting]:
    made = Converting()
    yield made
    made.end()


def become(
    converting: Converting, path: Path, content: bytes, *, rows: int = 0, links: str = ""
) -> str | Notice:
    """What a file becomes, or why nothing."""
    path.write_bytes(content)
    fd = os.open(path, os.O_RDONLY)
    try:
        found = converting.text(fd, path.suffix[1:], rows=rows, links=links, path=path.name)
    finally:
        os.close(fd)
    if isinstance(found, Notice):
        return found
    with found:
        found.seek(0)
        return found.read().decode()


TABLE = "<table><tr><th>Name</th></tr><tr><td>a|b &lt;c&gt;</td></tr></table>"
FILES = {
    "a.pptx": (
        rich_files.pptx(("Plan <b>", ["First", "Second"]), notes="giraffe"),
        "# Plan &lt;b>\n\n- First\n  - Second\n\n| Name | Size |\n| --- | --- |\n| a\\|b | 9 |\n\n"
        "Notes:\n\ngiraffe\n\n",
    ),
    "a.epub": (
        rich_files.epub("<h1>One</h1><p>snake_case &lt;x&gt;</p>", "<p>two<img alt='pic'/></p>"),
        "# A Book\n\nA. Uthor\n\n# One\n\nsnake_case &lt;x>\n\ntwopic\n\n",
    ),
    "a.ipynb": (
        rich_files.notebook(
            {"cell_type": "markdown", "source": ["# Note\n", "List<T> <br>"]},
            {
                "cell_type": "code",
                "source": "print(1 < 2 > 0)",
                "outputs": [
                    {"output_type": "stream", "text": ["\x1b[1mTrue\x1b[0m\n"]},
                    {"output_type": "display_data", "data": {"image/png": "iVBOR"}},
                    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []},
                ],
            },
        ),
        "# Note\nList&lt;T> <br>\n\n```python\nprint(1 &lt; 2 > 0)\n```\n\n"
        "```\nTrue\n```\n\n```\nE: v\n```\n\n",
    ),
    "a.eml": (
        rich_files.eml("Größe der Dinge", "Hello\n\nbody\n", attached="plan.pdf"),
        "# Größe der Dinge\n\nFrom: Ada (ada@example.com)\nTo: bob@example.com\n"
        "Date: Mon, 01 Jan 2024 10:00:00 +0000\n\nHello\n\nbody\n\nAttachments: plan.pdf\n",
    ),
    "a.msg": (
        rich_files.msg("Größe der Dinge", "Hello body"),
        '# Größe der Dinge\n\nFrom: "Ada" (ada@example.com)\n\nHello body\n',
    ),
    "a.odt": (
        rich_files.odt("snake_case &lt;x&gt;", "two"),
        "# A Heading\n\nsnake_case &lt;x>\n\ntwo\n",
    ),
    "a.docx": (rich_files.docx("Head", "a < b", "c"), "# Head\n\na < b\n\nc\n"),
    "a.html": (
        f"<title>T</title><script>x()</script><!-- n --><p>one{TABLE}<pre>a_b</pre>".encode(),
        "# T\n\none\n\n| Name |\n| --- |\n| a\\|b &lt;c> |\n\n```\na_b\n```\n",
    ),
    "a.xlsx": (
        rich_files.xlsx({"S 1": [["a", "b"], [1, 2.5]], "H": [["secret", 1]]}, hidden="H"),
        "# S 1\n\n| a | b |\n| --- | --- |\n| 1 | 2.5 |\n\n",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_what_comes_out_of_each_type(converting: Converting, tmp_path: Path, name: str) -> None:
    content, markdown = FILES[name]
    assert become(converting, tmp_path / name, content) == markdown
    assert become(converting, tmp_path / name, content) == markdown
    again = Converting()
    try:
        assert become(again, tmp_path / name, content) == markdown, "in another process"
    finally:
        again.end()


def test_the_text_of_pdf_pages(converting: Converting, tmp_path: Path) -> None:
    pdf = bombs.one_page(bombs.stream(b"BT /F1 12 Tf (words) Tj ET"))
    found = become(converting, tmp_path / "a.pdf", pdf)
    assert isinstance(found, str)
    assert "words" in found or found == ""  # without a font the library may read none


def test_the_version_names_what_touches_a_type() -> None:
    assert version("pptx").startswith("markdown-1 python-pptx ")
    assert "pptx" not in version("epub")
    assert version("ipynb") == "markdown-1"
    assert version("csv", rows=True) == "rows-1"
    assert version("xlsx", rows=True).startswith("rows-1 openpyxl ")


def test_relative_links_of_pages_are_rewritten(converting: Converting, tmp_path: Path) -> None:
    page = b"<p><a href='b.html'>b</a>"
    found = become(converting, tmp_path / "a.html", page, links="https://d.example/")
    assert found == "[b](https://d.example/b.html)\n"


# -- rows


def test_rows_of_a_workbook_with_merged_cells_filled(
    converting: Converting, tmp_path: Path
) -> None:
    sheets = {
        "S": [["Report"], ["q", "r"], ["x", 1], [None, 2], [None, 3], ["y", 4]],
        "Hidden": [["secret", "b"], ["1", "2"]],
    }
    book = rich_files.xlsx(sheets, merged="A3:A5", hidden="Hidden")
    found = become(converting, tmp_path / "a.xlsx", book, rows=4000)
    assert isinstance(found, str)
    assert found.split("\n=====\n") == [
        "Sheet: S\nReport",
        "Sheet: S\nq: x\nr: 1",
        "Sheet: S\nq: x\nr: 2",
        "Sheet: S\nq: x\nr: 3",
        "Sheet: S\nq: y\nr: 4",
        "",
    ]


def test_values_of_cells_are_written_as_they_mean(converting: Converting, tmp_path: Path) -> None:
    from datetime import date, datetime  # noqa: PLC0415 - of this test alone

    row = [1.0, 0.1, True, date(2024, 5, 6), datetime(2024, 5, 6, 7, 8), "007", 10**9]
    names = list("abcdefg")
    found = become(converting, tmp_path / "a.xlsx", rich_files.xlsx({"S": [names, row]}), rows=4000)
    assert isinstance(found, str)
    assert found.split("\n")[1:8] == [
        *("a: 1", "b: 0.1", "c: TRUE", "d: 2024-05-06", "e: 2024-05-06 07:08:00", "f: 007"),
        "g: 1000000000",
    ]


# -- what cannot be converted is named

LOCKED_PART = '<manifest:file-entry manifest:full-path="x"><manifest:encryption-data/>'
ENCRYPTION = (
    '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData '
    'xmlns="http://www.w3.org/2001/04/xmlenc#"><CipherData><CipherReference URI="%s"/>'
    "</CipherData></EncryptedData></encryption>"
)


def encrypted(part: str) -> bytes:
    return rich_files.epub("<p>x", parts={"META-INF/encryption.xml": ENCRYPTION % part})


def test_a_document_with_a_password_is_named(converting: Converting, tmp_path: Path) -> None:
    locked = rich_files.odt("x", manifest=f"{LOCKED_PART}</manifest:file-entry>")
    assert become(converting, tmp_path / "a.odt", locked) == says.LOCKED()
    drm = encrypted("OEBPS/text/ch%200.xhtml")
    assert become(converting, tmp_path / "a.epub", drm) == says.LOCKED()
    fonts = encrypted("OEBPS/fonts/a.ttf")
    assert isinstance(become(converting, tmp_path / "a.epub", fonts), str)


@pytest.mark.parametrize("ending", sorted(set(CONVERTERS) - {"html", "htm", "eml"}))
@pytest.mark.parametrize("content", [b"no such file", b"", b"PK\x03\x04" + bytes(99)])
def test_a_broken_file_is_named(
    converting: Converting, tmp_path: Path, ending: str, content: bytes
) -> None:
    found = become(converting, tmp_path / f"a.{ending}", content)
    assert isinstance(found, Notice)
    assert found.code == "KB-S230"
    assert isinstance(become(converting, tmp_path / "b.html", b"<p>x"), str), "it goes on"


def test_a_file_cut_off_is_named(converting: Converting, tmp_path: Path) -> None:
    for name, (content, _) in FILES.items():
        if name.split(".")[1] in {"pptx", "epub", "odt", "docx", "xlsx", "ipynb", "msg"}:
            found = become(converting, tmp_path / name, content[: len(content) // 2])
            assert isinstance(found, Notice), name


def bomb(part: str, size: int) -> bytes:
    """A presentation of which one part unpacks to `size` bytes."""
    import io  # noqa: PLC0415 - of this test alone
    import zipfile  # noqa: PLC0415

    file = io.BytesIO(rich_files.pptx(("T", ["a"])))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(part, b"<x>" + bytes(size))
    return file.getvalue()


HOSTILE = {
    "nested.html": b"<div>" * 200_000,
    "deep.ipynb": b"[" * 1_000_000,
    "entities.epub": rich_files.zipped(
        {
            "META-INF/container.xml": '<!DOCTYPE a [<!ENTITY a0 "aaaaaaaaaa">'
            + "".join(f'<!ENTITY a{n} "' + f"&a{n - 1};" * 10 + '">' for n in range(1, 12))
            + "]><a>&a11;</a>"
        }
    ),
    "outside.epub": rich_files.zipped(
        {
            "META-INF/container.xml": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
            "<a><rootfile full-path='&e;'/></a>"
        }
    ),
}


@pytest.mark.seconds(20)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_to_do_harm_is_named(converting: Converting, tmp_path: Path, name: str) -> None:
    found = become(converting, tmp_path / name, HOSTILE[name])
    assert isinstance(found, Notice)
    assert found.code in {"KB-S230", "KB-S231"}
    assert "root:" not in found.text


@pytest.mark.seconds(20)
def test_what_unpacks_to_more_than_there_is_memory_is_named(
    converting: Converting, tmp_path: Path
) -> None:
    huge = rich_files.epub("<p>x", parts={"OEBPS/text/ch 0.xhtml": "<p>" + "a" * (70 * MIB)})
    found = become(converting, tmp_path / "a.epub", huge)
    assert isinstance(found, Notice)
    assert found.code in {"KB-S230", "KB-S231"}


def test_a_file_that_takes_too_long_is_named(tmp_path: Path) -> None:
    converting = Converting(seconds=0.05)
    found = become(converting, tmp_path / "a.html", b"<p>x</p>" * 200_000)
    assert found == says.CONVERSION_BEYOND(bound="the time it may have")
    assert converting._process is None


def test_a_file_that_is_too_large_is_not_read(own: Converting, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.touch()
    os.truncate(path, LARGEST + 1)
    fd = os.open(path, os.O_RDONLY)
    try:
        found = own.text(fd, "html")
    finally:
        os.close(fd)
    assert isinstance(found, Notice)
    assert found.code == "KB-S231"
    assert own._process is None


def test_a_process_that_was_ended_is_replaced(own: Converting, tmp_path: Path) -> None:
    assert become(own, tmp_path / "a.html", b"<p>x") == "x\n"
    assert own._process is not None
    os.kill(own._process.pid, signal.SIGKILL)
    assert become(own, tmp_path / "a.html", b"<p>y") == "y\n"


def test_the_process_ends_when_it_has_nothing_to_do(tmp_path: Path) -> None:
    converting = Converting(idle=0.05)
    assert become(converting, tmp_path / "a.html", b"<p>x") == "x\n"
    late = time.monotonic() + 20
    while converting._process is not None and time.monotonic() < late:
        time.sleep(0.02)
    assert converting._process is None


def test_memory_stays_within_its_bound(own: Converting, tmp_path: Path) -> None:
    rows = [[f"cell {row} {column}" for column in range(20)] for row in range(3000)]
    found = become(own, tmp_path / "a.xlsx", rich_files.xlsx({"S": rows}), rows=4000)
    assert isinstance(found, str)
    assert found.count("\n=====\n") == 2999
    assert own._process is not None
    status = Path(f"/proc/{own._process.pid}/status").read_text()
    assert int(status.partition("VmHWM:")[2].split()[0]) * 1024 < MEMORY // 4


def test_a_process_that_cannot_be_started_is_no_fault_of_the_file(
    own: Converting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        become(own, tmp_path / "a.html", b"<p>x")


def test_packages_that_cannot_be_loaded_are_no_fault_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "modules" / "markdownify").mkdir(parents=True)
    (tmp_path / "modules" / "markdownify" / "__init__.py").write_text("import nowhere\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    converting = Converting()
    try:
        found = become(converting, tmp_path / "a.html", b"<p>x")
        assert isinstance(found, Notice)
        assert found.code == "KB-S237"
        assert "nowhere" in found.text
        assert "--force-reinstall" in found.next
        assert found.message not in says.OF_THE_BYTES, "no document is deleted for it"
    finally:
        converting.end()


def test_a_long_text_comes_whole(converting: Converting, tmp_path: Path) -> None:
    source = "ü" * (9 * MIB)
    content = rich_files.notebook({"cell_type": "markdown", "source": source})
    assert become(converting, tmp_path / "a.ipynb", content) == source + "\n\n"
