"""Reading and sending one file: what is hashed is what is sent, and a torn read is noticed."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from declared import mirror_config
from hypothesis import given, settings
from hypothesis import strategies as st

from kbsync.engine.ports import Payload
from kbsync.messages import source as says
from kbsync.model import Present, Skipped, Unknown
from kbsync.source import folder as folder_module
from kbsync.source.conversion import Conversion
from kbsync.source.emptiness import holds_nothing
from kbsync.source.encoding import BLOCK
from kbsync.source.folder import Folder
from kbsync.source.payload import payload

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]

FRENCH = "Les élèves étaient très contents à l'école.\nOù est le garçon ?\n"
GERMAN = "Die Größe der Tür übersteigt die Höhe.\nSchöne Grüße von der Straße!\n"


def sent_bytes(source: Folder, path: str, step: int = 7) -> bytes:
    """What a whole upload sends; checks size, hash and `read` on the way."""
    state = source.read(path)
    assert isinstance(state, Present)
    with source.open(path) as sent:
        assert not isinstance(sent, Unknown)
        parts = []
        while part := sent.read(step):
            parts.append(part)
        whole = b"".join(parts)
        assert len(whole) == sent.size
        assert sent.content == hashlib.sha256(whole).hexdigest() == state.content
        assert not sent.torn()
        assert sent.read() == b""
    return whole


@pytest.mark.parametrize(
    ("name", "written", "sent"),
    [
        ("a.md", b"plain\r\ntext\0", b"plain\r\ntext\0"),
        ("a.md", FRENCH.encode(), FRENCH.encode()),
        ("a.md", FRENCH.encode("latin-1"), FRENCH.encode()),
        ("a.TXT", GERMAN.encode("latin-1"), GERMAN.encode()),
        ("a.csv", "Straße;5 €\n".encode("cp1252"), "Straße;5 €\n".encode()),
        ("a.txt", b"\xef\xbb\xbf" + FRENCH.encode(), FRENCH.encode()),
        ("a.txt", FRENCH.encode("utf-16"), FRENCH.encode()),
        ("a.txt", b"\xfe\xff" + FRENCH.encode("utf-16-be"), FRENCH.encode()),
        ("a.txt", FRENCH.encode("utf-32"), FRENCH.encode()),
        ("a.txt", b"\0\0\xfe\xff" + FRENCH.encode("utf-32-be"), FRENCH.encode()),
        ("a.txt", FRENCH.encode("utf-16")[:-1], FRENCH[:-1].encode() + "\ufffd".encode()),
        ("a.txt", FRENCH.encode() + b"\xff.", FRENCH.encode() + "\ufffd.".encode()),
        ("a.txt", b"\xef\xbb\xbf" + FRENCH.encode() + b"\xff", f"{FRENCH}\ufffd".encode()),
        ("a.html", FRENCH.encode("latin-1"), FRENCH.encode("latin-1")),
        ("a.xls", b"\xef\xbb\xbf\xff", b"\xef\xbb\xbf\xff"),
    ],
)
def test_what_is_sent(ground: Path, folder: Make, name: str, written: bytes, sent: bytes) -> None:
    (ground / name).write_bytes(written)
    source = folder(extensions={"md", "txt", "csv", "html", "xls"})
    assert sent_bytes(source, name) == sent
    assert sent_bytes(source, name, step=BLOCK) == sent
    assert sent_bytes(
        folder(extensions={"md", "txt", "csv", "html", "xls"}, convert="none"), name
    ) == (written)


def test_the_type_is_that_of_the_name_that_is_asked_for(ground: Path, folder: Make) -> None:
    (ground / "real.html").write_bytes(FRENCH.encode("latin-1"))
    (ground / "link.txt").symlink_to("real.html")
    source = folder(follow_symlinks=True)
    assert sent_bytes(source, "link.txt") == FRENCH.encode()
    with source.open("link.txt") as sent:
        assert not isinstance(sent, Unknown)
        assert sent.media_type == "text/plain"


@pytest.mark.parametrize("before", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 1])
def test_letters_across_block_borders(ground: Path, folder: Make, before: int) -> None:
    text = "a" * before + "é\u20ac\U0001f600"
    (ground / "a.md").write_text(text, encoding="utf-8")
    (ground / "b.md").write_bytes(("a" * before + " é\n").encode("latin-1"))
    (ground / "c.md").write_bytes(text.encode()[:-1])
    source = folder(max_file_size=1 << 30)
    assert sent_bytes(source, "a.md", BLOCK) == text.encode()
    assert sent_bytes(source, "b.md", BLOCK) == ("a" * before + " é\n").encode()
    assert sent_bytes(source, "c.md", BLOCK) == text.encode()[:-4] + "\ufffd".encode()


def test_the_guess_is_made_where_the_letters_are(ground: Path, folder: Make) -> None:
    ascii_part = "plain words only\n" * 100_000
    russian = "Все люди рождаются свободными и равными в своем достоинстве и правах.\n" * 40
    text = ascii_part + russian + ascii_part
    (ground / "a.txt").write_bytes(text.encode("cp1251"))
    assert sent_bytes(folder(max_file_size=1 << 30), "a.txt", BLOCK) == text.encode()


@settings(max_examples=100, deadline=None)
@given(written=st.binary(min_size=1, max_size=300))
def test_any_bytes_of_a_text_file_become_utf8(
    tmp_path_factory: pytest.TempPathFactory, written: bytes
) -> None:
    root = tmp_path_factory.getbasetemp() / "any"
    root.mkdir(exist_ok=True)
    (root / "a.txt").write_bytes(written)
    source = Folder(mirror_config(root, max_file_size=1000, extensions={"txt"}))
    if isinstance(source.read("a.txt"), Skipped):
        assert holds_nothing(written)
        return
    if isinstance(source.read("a.txt"), Unknown):  # nothing tells what they are written in
        return
    text = sent_bytes(source, "a.txt").decode("utf-8")
    assert not written.startswith(b"\xef\xbb\xbf") or not text.startswith("\ufeff")


@pytest.mark.parametrize("written", [b"\xef\xbb\xbf", "".encode("utf-16")])
def test_nothing_but_a_byte_order_mark_is_empty(ground: Path, folder: Make, written: bytes) -> None:
    (ground / "a.md").write_bytes(written)
    state = folder().read("a.md")
    assert isinstance(state, Skipped)
    assert state.why.code == says.EMPTY.code
    with folder().open("a.md") as sent:
        assert isinstance(sent, Unknown)


def test_what_grows_beyond_the_limit_as_utf8_is_skipped(ground: Path, folder: Make) -> None:
    (ground / "a.md").write_bytes(("été " * 30).encode("latin-1"))
    state = folder(max_file_size=150).read("a.md")
    assert isinstance(state, Skipped)
    assert state.why.code == says.TOO_LARGE.code
    assert isinstance(folder(max_file_size=180).read("a.md"), Present)


@pytest.mark.parametrize(
    "meddle",
    [
        lambda at: at.write_bytes(b"other bytes of another size"),
        lambda at: at.write_bytes(b"X" * 100),
        lambda at: at.open("ab").close() or os.utime(at, ns=(0, at.stat().st_mtime_ns)),
        lambda at: os.truncate(at, 3),
        lambda at: (at.with_name("new").write_bytes(b"x" * 100), at.with_name("new").replace(at)),
        lambda at: at.unlink(),
        lambda at: (at.unlink(), at.symlink_to("/etc/hostname")),
    ],
)
def test_a_payload_tells_when_its_file_changed(
    ground: Path, folder: Make, meddle: Callable[[Path], object]
) -> None:
    (ground / "a.md").write_bytes(b"x" * 100)
    with folder().open("a.md") as sent:
        assert not isinstance(sent, Unknown)
        assert sent.read(50) == b"x" * 50
        assert not sent.torn()
        meddle(ground / "a.md")
        assert len(sent.read()) <= 50
        assert sent.torn()


def test_a_file_that_grows_is_sent_to_the_size_it_had(ground: Path, folder: Make) -> None:
    (ground / "a.md").write_bytes(b"x" * 10)
    with folder().open("a.md") as sent:
        assert not isinstance(sent, Unknown)
        with (ground / "a.md").open("ab") as more:
            more.write(b"y" * 10)
        assert sent.read(8) + sent.read(8) + sent.read(8) == b"x" * 10
        assert sent.torn()


def test_a_read_that_is_torn_is_unknown(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ground / "a.md").write_bytes(b"x" * 10)
    real = os.pread

    def writes_in_between(fd: int, size: int, at: int) -> bytes:
        block = real(fd, size, at)
        with (ground / "a.md").open("ab") as more:
            more.write(b"y")
        return block

    monkeypatch.setattr(os, "pread", writes_in_between)
    state = folder(max_file_size=1000, convert="none").read("a.md")
    assert isinstance(state, Unknown)
    assert state.why.code == says.TORN.code


def swap_for_link(at: Path) -> None:
    at.unlink()
    at.symlink_to("/etc/passwd")


def swap_for_fifo(at: Path) -> None:
    at.unlink()
    os.mkfifo(at)


def swap_folder_for_link(at: Path) -> None:
    outside = at.parent.parent / ".outside"
    outside.mkdir()
    (outside / at.name).write_text("secret")
    at.parent.rename(at.parent.parent / ".old")
    at.parent.symlink_to(outside)


@pytest.mark.parametrize(
    "swap", [swap_for_link, swap_for_fifo, swap_folder_for_link, Path.unlink, lambda at: None]
)
@pytest.mark.parametrize("follow", [False, True])
def test_what_is_swapped_between_look_and_open_is_never_sent(
    ground: Path,
    folder: Make,
    monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[Path], object],
    follow: bool,
) -> None:
    (ground / "sub").mkdir()
    at = ground / "sub" / "a.md"
    at.write_text("mine")
    real = folder_module.look

    def look_then_swap(*asked: object) -> object:
        found = real(*asked)  # type: ignore[arg-type]
        if at.is_file() and at.read_text() == "mine":
            swap(at)
        return found

    monkeypatch.setattr(folder_module, "look", look_then_swap)
    source = folder(follow_symlinks=follow)
    with source.open("sub/a.md") as sent:
        if not isinstance(sent, Unknown):
            assert sent.read() == b"mine"
            assert at.read_text() == "mine"
        else:
            assert sent.why.code == says.REPLACED.code


def test_no_step_of_the_way_may_be_a_link(ground: Path) -> None:
    (ground / "real").mkdir()
    (ground / "real" / "a.md").write_text("x")
    (ground / "link").symlink_to("real")
    root = os.open(ground, os.O_RDONLY)
    try:
        for steps in (("link", "a.md"), ("link",), ("real",)):
            opening = payload(root, steps, path="a.md", conversion=Conversion())
            with pytest.raises(OSError), opening:  # noqa: PT011
                pass
    finally:
        os.close(root)


@pytest.mark.parametrize(
    "fill", [b"\0", "é\n".encode("latin-1"), "é\n".encode(), "é\n".encode("utf-16-le")]
)
def test_memory_does_not_grow_with_the_file(ground: Path, folder: Make, fill: bytes) -> None:
    with (ground / "big.txt").open("wb") as big:
        if fill == "é\n".encode("utf-16-le"):
            big.write(b"\xff\xfe")
        for _ in range(24):
            big.write(fill * (BLOCK // len(fill)))
    source = folder(max_file_size=1 << 30)
    (ground / "small.txt").write_bytes(b"\xe9t\xe9\n")
    source.read("small.txt")
    tracemalloc.start()
    try:
        assert isinstance(source.read("big.txt"), Present)
        with source.open("big.txt") as sent:
            drain(sent)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * BLOCK


def drain(sent: Payload | Unknown) -> None:
    assert not isinstance(sent, Unknown)
    while sent.read(1 << 16):
        pass
    assert not sent.torn()
