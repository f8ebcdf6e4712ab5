"""Sidecars and front matter on a real file system: read, met by the walk, never sent."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from declared import mirror_config

from kbsync.messages import source as says
from kbsync.model import FileFacts, Present, Sidecar, Skipped, Typed
from kbsync.source.folder import Folder


def folder(path: Path, **declared: object) -> Folder:
    return Folder(mirror_config(path, **declared))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def written(path: Path, name: str, text: str | bytes) -> None:
    place = path / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)


def test_the_walk_hands_out_what_has_a_sidecar_as_a_state(tmp_path: Path) -> None:
    for name in ("a.md", "b.md", "sub/ä.md", "c.md"):
        written(tmp_path, name, "text\n")
    for name in ("b.md", "sub/ä.md", "gone.md"):
        written(tmp_path, f"{name}.kbsync.yaml", "metadata: {a: 1}\n")
    met = list(folder(tmp_path, extensions=["md", "yaml"]).scan())
    rows = [seen[0] for seen in met if isinstance(seen, tuple)]
    states = {seen.key.path: seen for seen in met if isinstance(seen, Present)}
    skipped = [seen for seen in met if isinstance(seen, Skipped)]
    assert rows == ["a.md", "c.md"]
    assert set(states) == {"b.md", "sub/ä.md"}
    assert states["b.md"].stat.size == 5
    assert [(each.key.path, each.why.message) for each in skipped] == [
        ("gone.md.kbsync.yaml", says.SIDECAR_ALONE)
    ]
    paths = [seen[0] if isinstance(seen, tuple) else seen.key.path for seen in met]  # type: ignore[union-attr]
    assert paths == sorted(paths)


def test_a_sidecar_is_never_sent(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "text\n")
    written(tmp_path, "a.md.kbsync.yaml", "enabled: false\n")
    found = folder(tmp_path, extensions=["md", "yaml"]).look("a.md.kbsync.yaml")
    assert isinstance(found, Skipped)
    assert found.why.message is says.SIDECAR


def test_what_a_sidecar_says(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "text\n")
    source = folder(tmp_path)
    assert source.sidecar("a.md") is None
    written(
        tmp_path,
        "a.md.kbsync.yaml",
        "metadata: {team: docs, n: 3, at: 2024-05-01, quoted: '2024-05-01', no: null}\n",
    )
    found = source.sidecar("a.md")
    assert found is not None
    assert found.metadata == {
        "team": Typed("string", "docs"),
        "n": Typed("number", 3),
        "at": Typed("time", 1_714_521_600),
        "quoted": Typed("string", "2024-05-01"),
        "no": None,
    }
    assert (found.enabled, found.fault) == (None, None)
    written(tmp_path, "a.md.kbsync.yaml", "enabled: false\n")
    other = source.sidecar("a.md")
    assert isinstance(other, Sidecar)
    assert other.enabled is False
    assert other.digest != found.digest
    assert source.sidecar("gone.md") is None


@pytest.mark.parametrize(
    "text",
    [
        "metadata: [a]\n",
        "metadata: {kbsync_path: x}\n",
        "metadata: {source: x}\n",
        "metadata: {a: {b: c}}\n",
        "enabled: maybe\n",
        "team: docs\n",
        "metadata: {a: b\n",
        b"metadata: {a: \xff}\n",
        "a" * (1 << 19),
        "metadata: {a: 1}\n---\nmetadata: {a: 2}\n",
    ],
)
def test_one_that_cannot_be_used_is_named(tmp_path: Path, text: str | bytes) -> None:
    written(tmp_path, "a.md", "text\n")
    written(tmp_path, "a.md.kbsync.yaml", text)
    found = folder(tmp_path).sidecar("a.md")
    assert found is not None
    assert found.fault is not None
    assert found.fault.message is says.SIDECAR_BROKEN
    assert found.metadata == {}


def test_a_folder_or_a_link_of_that_name_is_none(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "text\n")
    written(tmp_path, "b.md", "text\n")
    (tmp_path / "a.md.kbsync.yaml").mkdir()
    written(tmp_path, "elsewhere/secret.yaml", "metadata: {a: 1}\n")
    (tmp_path / "b.md.kbsync.yaml").symlink_to(tmp_path / "elsewhere" / "secret.yaml")
    for name in ("a.md", "b.md"):
        found = folder(tmp_path).sidecar(name)
        assert found is not None
        assert found.fault is not None


def test_what_is_sent_is_the_text_behind_front_matter(tmp_path: Path) -> None:
    text = "---\ntitle: Ä\n---\n\n# Page\nGröße\n"
    written(tmp_path, "utf8.md", text)
    written(tmp_path, "marked.md", b"\xef\xbb\xbf" + text.encode())
    written(tmp_path, "wide.md", text.encode("utf-16"))
    written(tmp_path, "bare.md", "---\ntitle: A\n---\n")
    written(tmp_path, "plain.md", "no front matter\n")
    source = folder(tmp_path, front_matter=["title"])
    for name in ("utf8.md", "marked.md", "wide.md"):
        read = source.read(name)
        assert isinstance(read, Present)
        assert read.content == sha("# Page\nGröße\n"), name
        with source.open(name) as payload:
            assert payload.read().decode() == "# Page\nGröße\n"  # type: ignore[union-attr]
        facts = source.facts(name)
        assert isinstance(facts, FileFacts)
        assert facts.front_matter == {"title": Typed("string", "Ä")}
    assert isinstance(source.read("bare.md"), Skipped)
    read = source.read("plain.md")
    assert isinstance(read, Present)
    assert read.content == sha("no front matter\n")
    kept = folder(tmp_path).read("utf8.md")
    assert isinstance(kept, Present)
    assert kept.content == sha(text)


def test_facts_of_a_file(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "---\ntitle: [A\n---\ntext\n")
    source = folder(tmp_path, front_matter=["title"])
    facts = source.facts("a.md")
    assert isinstance(facts, FileFacts)
    assert facts.fault is not None
    assert facts.stat.size == (tmp_path / "a.md").stat().st_size
    uid = os.getuid()
    assert facts.owner in {"root", str(uid)} or facts.owner
    assert not isinstance(source.facts("gone.md"), FileFacts)


@pytest.mark.parametrize("length", [240, 255])
def test_a_name_without_room_for_a_sidecar_has_none(length: int, tmp_path: Path) -> None:
    name = "x" * (length - 3) + ".md"
    written(tmp_path, name, "text\n")
    assert folder(tmp_path).sidecar(name) is None
