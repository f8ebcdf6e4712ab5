"""What a file of text is taken as, and what is sent of it: named, guessed, or told by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kbsync.messages import source as says
from kbsync.model import Present, Unknown
from kbsync.source import neighbours
from kbsync.source.folder import Folder

pytestmark = pytest.mark.usefixtures("descriptors")
Make = Callable[..., Folder]

HAN = "氏名,部署\n佐藤,経理部\n鈴木,総務部\n"
CHINESE = "姓名,部门,电话\n王芳,财务部,8021\n"


def sent_text(source: Folder, path: str, taken: str | None = None) -> str:
    with source.open(path, taken) as sent:
        assert not isinstance(sent, Unknown), sent
        return sent.read().decode()


def test_a_text_that_cannot_be_told_is_held_and_not_sent(ground: Path, folder: Make) -> None:
    (ground / "staff.csv").write_bytes(HAN.encode("euc_jp"))
    source = folder(extensions={"csv"})
    for state in (source.read("staff.csv"), source.glance("staff.csv")):
        assert isinstance(state, Unknown)
        assert state.why.message is says.ENCODING_UNSURE
        assert "euc_jp" in state.why.text
    with source.open("staff.csv") as sent:
        assert isinstance(sent, Unknown)


def test_what_it_was_sent_as_decides_where_nothing_else_does(ground: Path, folder: Make) -> None:
    (ground / "staff.csv").write_bytes(HAN.encode("euc_jp"))
    source = folder(extensions={"csv"})
    assert sent_text(source, "staff.csv", "euc_jp (auto)") == HAN
    assert isinstance(source.read("staff.csv", "ascii (auto)"), Unknown)
    assert isinstance(source.read("staff.csv", "no-such-codec (auto)"), Unknown)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("more.csv", "番号,部署\n7,経理部\n8,会議は水曜日の午後からです。\n".encode("euc_jp")),
        ("same words.csv", HAN.encode("cp932")),
        ("same words.md", HAN.encode()),
    ],
)
def test_the_other_files_of_the_folder_decide(
    ground: Path, folder: Make, name: str, data: bytes
) -> None:
    (ground / "staff.csv").write_bytes(HAN.encode("euc_jp"))
    (ground / name).write_bytes(data)
    assert sent_text(folder(extensions={"csv", "md"}), "staff.csv") == HAN


def test_files_of_both_kinds_decide_nothing(ground: Path, folder: Make) -> None:
    (ground / "staff.csv").write_bytes(HAN.encode("euc_jp"))
    (ground / "a.txt").write_bytes("請求書は月末までに送ってください。\n".encode("euc_jp"))
    (ground / "b.txt").write_bytes((CHINESE + "请在月底之前提交报销单据。\n").encode("gb18030"))
    assert isinstance(folder(extensions={"csv", "txt"}).read("staff.csv"), Unknown)


def test_many_doubtful_files_read_a_folder_once(
    ground: Path, folder: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        (ground / f"{number:02}.csv").write_bytes(HAN.encode("euc_jp"))
    read: list[str] = []
    beginning = neighbours._beginning
    monkeypatch.setattr(
        neighbours, "_beginning", lambda fd, name: (read.append(name), beginning(fd, name))[1]
    )
    source = folder(extensions={"csv"})
    assert all(isinstance(source.glance(f"{number:02}.csv"), Unknown) for number in range(60))
    assert read == [f"{number:02}.csv" for number in range(neighbours.READ_OF_A_FOLDER)]


@pytest.mark.parametrize(
    ("declared", "encoding", "text"),
    [
        (("gbk",), "gbk", "价格,库存\n12,300\n"),
        (("shift_jis",), "shift_jis", "部署,担当者\n営業部,田中\n"),
        (("cp1254",), "cp1254", "İsim;Bölüm\nYılmaz;Satış\n"),
        (("euc_jp", "gbk"), "euc_jp", HAN),
        (("ascii", "gbk", "auto"), "gbk", CHINESE),
        (("ascii", "auto"), "cp1251", "Совещание перенесено на среду.\n"),
        (("utf-16-le",), "utf-16-le", "plain\n"),
        (("utf-16-le", "gbk"), "gbk", "价格表\n"),
        (("gbk",), "utf-8", "价格\n"),
        (("iso2022_jp",), "iso2022_jp", "会議\n"),
    ],
)
def test_a_named_encoding_is_exact(
    ground: Path, folder: Make, declared: tuple[str, ...], encoding: str, text: str
) -> None:
    (ground / "a.txt").write_bytes(text.encode(encoding))
    assert sent_text(folder(extensions={"txt"}, encoding=declared), "a.txt") == text


def test_what_is_not_in_the_named_encoding_is_held(ground: Path, folder: Make) -> None:
    (ground / "a.txt").write_bytes("Größe\n".encode("cp1252"))
    (ground / "b.txt").write_bytes("Größe\n".encode("utf-16-le"))
    source = folder(extensions={"txt"}, encoding=("euc_jp",))
    for name in ("a.txt", "b.txt"):
        state = source.read(name)
        assert isinstance(state, Unknown)
        assert state.why.message is says.NOT_IN_ENCODING


@pytest.mark.parametrize(
    ("name", "data", "csv", "taken"),
    [
        ("a.txt", "Größe\n".encode("cp1252"), "commas", "cp1252 (auto)"),
        ("a.txt", "Größe\n".encode(), "commas", None),
        ("a.csv", b"a,b\n1,2\n", "commas", None),
        ("a.csv", b"a;b\n1;2\n", "commas", "utf-8 with semicolons (auto)"),
        ("a.csv", b"a;b\n1;2\n", "as_is", "utf-8 (auto, csv as it is)"),
        ("a.csv", "Größe\tb\n1\t2\n".encode("cp1252"), "commas", "cp1252 with tabs (auto)"),
    ],
)
def test_what_a_file_was_taken_as_is_said(
    ground: Path, folder: Make, name: str, data: bytes, csv: str, taken: str | None
) -> None:
    (ground / name).write_bytes(data)
    source = folder(extensions={"txt", "csv"}, csv=csv)
    state = source.read(name)
    assert isinstance(state, Present)
    assert state.taken == taken
    with source.open(name) as sent:
        assert not isinstance(sent, Unknown)
        assert sent.taken == taken


def test_csv_is_sent_with_commas(ground: Path, folder: Make) -> None:
    rows = "Artikel;Hinweis\nMutter;auf Anfrage, lieferbar\nGröße;x\n"
    (ground / "a.csv").write_bytes(rows.encode("cp1252"))
    (ground / "b.csv").write_bytes(b"\xef\xbb\xbf" + rows.encode())
    source = folder(extensions={"csv"})
    with_commas = 'Artikel,Hinweis\nMutter,"auf Anfrage, lieferbar"\nGröße,x\n'
    assert sent_text(source, "a.csv") == sent_text(source, "b.csv") == with_commas
    assert sent_text(folder(extensions={"csv"}, csv="as_is"), "b.csv") == rows
    (ground / "long.csv").write_text("a;b\n1;2\n" * 40_000 + '"never closed;' + "x" * 200_000)
    assert sent_text(source, "long.csv").startswith("a;b\n"), "no table further down"
