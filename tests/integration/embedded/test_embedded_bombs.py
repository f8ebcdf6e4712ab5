"""Files and bodies that ask for much are refused with a name, at once and within little memory."""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import bombs
import pytest
from bombs import MIB
from embedded_client import AUTOMATIC, Base, make_base
from embedded_process import serving

from kbsync.embedded.extract import ExtractionError, bounds, tables, texts_of, word, workbooks
from kbsync.embedded.extract import zip_container as container
from kbsync.embedded.extract.reading_process import ReadingProcess, ReadingStoppedError, is_light
from kbsync.embedded.text_splitting import clean

ALLOWED = 300 * MIB


def failure(extension: str, content: bytes) -> str:
    with pytest.raises(ExtractionError) as caught:
        list(texts_of(extension, content))
    return str(caught.value)


def small(monkeypatch: pytest.MonkeyPatch, **numbers: int) -> None:
    """The same bounds at a size that a test reaches in no time."""
    for name, number in numbers.items():
        for module in (bounds, container, tables, word, workbooks):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, number)


WORKBOOKS: list[tuple[str, Callable[[], bytes], str]] = [
    (
        "rows that are not there",
        lambda: bombs.xlsx(
            bombs.sheet_of(bombs.HEAD + '<row r="9999"><c r="A9999"><v>1</v></c></row>')
        ),
        "more than 1,000 empty rows",
    ),
    (
        "a size that is not true",
        lambda: bombs.xlsx(
            bombs.sheet_of(bombs.HEAD + '<row><c r="XFD1"><v>1</v></c></row>' * 2, "A1:XFD1048576")
        ),
        "more than 20,000 cells",
    ),
    (
        "many rows",
        lambda: bombs.xlsx(bombs.sheet_of(bombs.HEAD + "<row><c><v>1</v></c></row>" * 101)),
        "more than 100 rows",
    ),
    ("long names in every row", bombs.long_names_xlsx, "of text"),
    (
        "entities in entities",
        lambda: bombs.xlsx(
            bombs.LAUGHS.encode()
            + bombs.sheet_of(bombs.HEAD + '<row><c t="str"><v>&j;</v></c></row>')
        ),
        "amplification",
    ),
]


@pytest.mark.parametrize(
    ("content", "words"), [row[1:] for row in WORKBOOKS], ids=[row[0] for row in WORKBOOKS]
)
def test_a_workbook_beyond_a_bound(
    monkeypatch: pytest.MonkeyPatch, content: Callable[[], bytes], words: str
) -> None:
    small(monkeypatch, EMPTY_ROWS=1000, CELLS=20_000, PIECES=100, TEXT_BYTES=MIB)
    assert words in failure("xlsx", content())


CONTAINERS: list[tuple[str, Callable[[], bytes], str]] = [
    (
        "much in little",
        lambda: bombs.docx_repeating(b"a", 8 * MIB),
        "unpack to more than 4 MiB",
    ),
    ("a size that is not true", lambda: bombs.lying_docx(8 * MIB), "unpack to more than 4 MiB"),
    ("a size that is not true, within", lambda: bombs.lying_docx(MIB), "Bad CRC-32"),
    ("very many parts", bombs.crowded_docx, "more than 10,000 parts"),
    ("encrypted parts", bombs.encrypted_docx, "File has not been decrypted"),
    ("another packing", bombs.strangely_packed_docx, "packed in a way"),
    ("zip in zip", lambda: bombs.zipped({"a.zip": bombs.zipped({"b": b"b"})}), "no item named"),
    (
        "elements within elements",
        lambda: bombs.docx_of("<w:p>" * 9999 + "</w:p>" * 9999),
        "Excessive depth",
    ),
    (
        "entities in entities",
        lambda: bombs.docx_of("<w:p><w:r><w:t>&j;</w:t></w:r></w:p>", bombs.LAUGHS),
        "amplification",
    ),
    (
        "a cell that spans much",
        lambda: bombs.docx_of(
            '<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val="999999999"/></w:tcPr><w:p/></w:tc>'
            "</w:tr></w:tbl>"
        ),
        "more than 10,000,000 cells",
    ),
]


@pytest.mark.parametrize(
    ("content", "words"), [row[1:] for row in CONTAINERS], ids=[row[0] for row in CONTAINERS]
)
def test_a_container_beyond_a_bound(
    monkeypatch: pytest.MonkeyPatch, content: Callable[[], bytes], words: str
) -> None:
    monkeypatch.setitem(bounds.UNPACKED, "docx", 4 * MIB)
    assert words in failure("docx", content())


def test_other_files_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch, TEXT_BYTES=MIB, PIECES=1000)
    monkeypatch.setattr("kbsync.embedded.extract.pdf.PAGES", 1)
    assert "of text" in failure("csv", b"n" * 10_000 + b",b\n" + b"x,y\n" * 1000)
    assert "more than 1,000 rows" in failure("csv", b"a\n" * 2000)
    assert "Limit reached" in failure("pdf", bombs.pdf_bomb(90 * MIB))
    assert "cyclic" in failure("pdf", bombs.pdf_loop())
    pages = b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 >>"
    two = bombs.one_page(b"<< >>").replace(b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", pages)
    assert "more than 1 pages" in failure("pdf", two)


SLOW = [
    "[" * 2 * MIB + ")",
    "![" * MIB + ")",
    "](http://" * (MIB // 4) + ")",
    "x" * 2 * MIB,
    "a@" * MIB,
]


@pytest.mark.parametrize("text", SLOW, ids=["brackets", "pictures", "targets", "word", "mails"])
def test_a_text_that_no_pattern_matches_is_cleaned_in_one_pass(text: str) -> None:
    """Looking for an end from each beginning, this would take hours."""
    clean(text, ["remove_extra_spaces", "remove_urls_emails"])


def test_a_markdown_text_of_brackets_is_read_in_one_pass() -> None:
    assert [len(text) for text in texts_of("md", b"<" * 2 * MIB)] == [2 * MIB]


# -- the process that reads


@pytest.fixture
def reading() -> Iterator[ReadingProcess]:
    process = ReadingProcess()
    yield process
    process.stop()


def text_of(reading: ReadingProcess) -> str:
    (text,) = reading.texts("docx", bombs.docx_of("<w:p><w:r><w:t>fine</w:t></w:r></w:p>"))
    return text


def test_plain_files_need_no_process(reading: ReadingProcess) -> None:
    assert list(reading.texts("md", b"# a\nb")) == ["", "\n\na\nb"]
    assert list(reading.texts("txt", b"a" * MIB)) == ["a" * MIB]
    assert reading.pid is None
    light = [("html", b"<p>"), ("csv", b"a"), ("txt", b"\xff"), ("", b"a")]
    assert [is_light(*each) for each in light] == [True, True, True, False]
    assert not is_light("html", b"<p>" * MIB)
    assert not is_light("txt", b"\xff" * MIB)
    assert not is_light("pdf", b"")


def test_one_process_reads_file_after_file(reading: ReadingProcess) -> None:
    assert text_of(reading) == "fine"
    first = reading.pid
    with pytest.raises(ExtractionError, match="File is not a zip file"):
        list(reading.texts("docx", b"none"))
    assert text_of(reading) == "fine"
    assert reading.pid == first


def test_a_process_that_was_ended_meanwhile_is_replaced(reading: ReadingProcess) -> None:
    assert text_of(reading) == "fine"
    assert reading.pid is not None
    os.kill(reading.pid, signal.SIGKILL)
    assert text_of(reading) == "fine"


def test_what_ends_the_process_is_the_error_of_its_file(reading: ReadingProcess) -> None:
    texts = reading.texts("csv", b"a,b\n" + b"x,y\n" * MIB)
    next(texts)
    assert reading.pid is not None
    os.kill(reading.pid, signal.SIGKILL)
    with pytest.raises(ExtractionError, match=r"has ended \(SIGKILL\)"):
        list(texts)
    assert text_of(reading) == "fine"


def test_a_file_that_is_left_half_read_does_not_hold_up_the_next(reading: ReadingProcess) -> None:
    texts = reading.texts("csv", b"a,b\n" + b"x,y\n" * MIB)
    next(texts)
    texts.close()
    assert text_of(reading) == "fine"


def test_a_file_that_takes_too_long_is_given_up() -> None:
    reading = ReadingProcess(seconds=0.01)
    with pytest.raises(ExtractionError, match="takes too long"):
        text_of(reading)
    assert reading.pid is None


def test_memory_that_is_lacking_is_named(reading: ReadingProcess) -> None:
    with pytest.raises(ExtractionError, match="takes more than 192 MiB of memory"):
        list(reading.texts("docx", bombs.docx_repeating(b"<w:p/>", 60 * MIB)))
    assert reading.pid is None, "it would keep most of it"
    assert text_of(reading) == "fine"


def test_a_stop_ends_it_in_the_middle_of_a_file() -> None:
    reading = ReadingProcess()
    begun = threading.Event()
    ended: list[BaseException] = []

    def read() -> None:
        try:
            for _ in reading.texts("csv", b"a,b\n" + b"x,y\n" * 2 * MIB):
                begun.set()
        except ReadingStoppedError as error:
            ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(20)
    reading.stop()
    thread.join(20)
    assert len(ended) == 1
    assert reading.pid is None


def test_an_idle_process_ends() -> None:
    reading = ReadingProcess(idle=0)
    assert text_of(reading) == "fine"
    for timer in threading.enumerate():
        if isinstance(timer, threading.Timer):
            timer.join(20)
    assert reading.pid is None


# -- the whole server


def memory(process: int) -> int:
    """The most memory a process and those it started have ever used, in bytes."""
    children = Path(f"/proc/{process}/task").glob("*/children")
    others = [int(pid) for each in children for pid in each.read_text().split()]
    return sum(map(_peak, {process, *others}))


def _peak(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 if "VmHWM:" in status else 0


@pytest.mark.anyio
async def test_bombs_take_less_than_300_mib_and_the_next_file_is_read(tmp_path: Path) -> None:
    """The peaks of both processes, whenever each was."""
    refused = {
        "large.docx": (bombs.docx_repeating(b"a", 300 * MIB), "unpack to more than 64 MiB"),
        "tree.docx": (bombs.docx_repeating(b"<w:p/>", 60 * MIB), "192 MiB of memory"),
    }
    peak = 0
    async with serving(tmp_path / "store.db") as (http, process):
        base = await make_base(http)
        for name, (content, words) in refused.items():
            reply = await base.upload(name, content)
            found = {"indexing_status": ""}
            with anyio.fail_after(60):
                while found["indexing_status"] not in ("completed", "error"):
                    found = await base.get(reply.json()["document"]["id"])
                    peak = max(peak, memory(process.pid))
            assert words in str(found["error"])
        huge = b'{"name": "' + b"a" * 60 * MIB + b'"}'
        reply = await http.post("/datasets", content=huge, headers=JSON)
        assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")
        peak = max(peak, memory(process.pid))
        fine = await base.indexed("a.docx", bombs.docx_of("<w:p><w:r><w:t>fine</w:t></w:r></w:p>"))
        assert await base.chunks(fine) == ["fine"]
    assert 50 * MIB < peak < ALLOWED


# -- bodies

JSON = {"Content-Type": "application/json"}
BODIES = {
    "deep": b"[" * 100_000,
    "deep and closed": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "deep in a field": b'{"name": "a", "retrieval_model": ' + b"[" * 500 + b"]" * 500 + b"}",
    "many values": b"[" + b"1," * 250_000 + b"1]",
    "no end": b'{"name": "a',
    "empty": b"",
    "no UTF-8": b'{"name": "\xff"}',
    "a number of many digits": b'{"name": ' + b"1" * 5000 + b"}",
}


@pytest.mark.anyio
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_body_that_cannot_be_read(base: Base, body: bytes) -> None:
    reply = await base.http.post("/datasets", content=body, headers=JSON)
    assert (reply.status_code, reply.json()["code"]) == (400, "bad_request")


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"[]", b"1", b'"a"', b"null", b'[["a"]]', b'{"name": "\\ud800"}'])
async def test_a_body_of_another_value(base: Base, body: bytes) -> None:
    for method, path in (
        ("POST", "/datasets"),
        ("PATCH", f"{base.url}/documents/status/enable"),
        ("POST", f"{base.url}/document/create-by-text"),
    ):
        reply = await base.http.request(method, path, content=body, headers=JSON)
        assert reply.status_code == 400 or (path.endswith("enable") and b"name" in body)


@pytest.mark.anyio
async def test_options_that_are_too_deep(base: Base) -> None:
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    reply = await base.http.post(
        f"{base.url}/document/create-by-file",
        files={"file": ("a.txt", b"x")},
        data={"data": deep},
    )
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_param")


@pytest.mark.anyio
async def test_a_long_text_is_no_bad_body(base: Base) -> None:
    text = 'a "quoted" [text], {with} commas,,, ' * 20_000
    body = {"name": "a", "text": text, **AUTOMATIC}
    reply = await base.http.post(f"{base.url}/document/create-by-text", content=json.dumps(body))
    assert reply.status_code == 415
    reply = await base.http.post(f"{base.url}/document/create-by-text", json=body)
    assert reply.status_code == 200


@pytest.mark.anyio
async def test_of_many_large_files_little_is_kept(base: Base) -> None:
    files = [("file", ("a.txt", bytes(15 * MIB), "text/plain"))] * 5
    reply = await base.http.post(f"{base.url}/document/create-by-file", files=files)
    assert (reply.status_code, reply.json()["code"]) == (413, "request_entity_too_large")


def test_what_a_large_file_took_goes_back_to_the_system() -> None:
    """What lies between two blocks in use is free, and kept by the C library until then."""
    program = (
        "from pathlib import Path\n"
        "from kbsync.embedded.freed_memory import give_back\n"
        "def used():\n"
        "    return int(Path('/proc/self/statm').read_text().split()[1]) * 4096\n"
        "blocks = [bytes(100_000) for _ in range(800)]\n"
        "del blocks[:-1]\n"
        "before = used()\n"
        "give_back()\n"
        "print(before - used())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("another C library than glibc")
    assert int(done.stdout) > 40 * MIB
