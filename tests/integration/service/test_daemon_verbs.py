"""Verbs that are typed while a daemon holds the ledger, one after the other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from daemon_running import configure, mirror, running, typed

from kbsync.engine.control.controller import Phase

pytestmark = pytest.mark.anyio
Printed = pytest.CaptureFixture[str]
Monkey = pytest.MonkeyPatch


async def test_a_pass_is_made_by_the_daemon(tmp_path: Path, capsys: Printed) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    async with running(tmp_path) as daemon:
        assert await daemon.type("plan", "docs") == 2
        assert "1 to create" in capsys.readouterr().out
        assert await daemon.type("apply") == 0
        printed = capsys.readouterr().out
        assert "+ page.md  (new)" in printed
        assert "docs: 1 created, 0 unchanged\nwiki: 0 unchanged\n" in printed
        (created,) = daemon.said("create")
        assert (created["mirror"], created["path"], created["outcome"]) == (
            "docs",
            "page.md",
            "done",
        )
        assert created["document"]
        assert created["ms"] >= 0
        assert await daemon.type("plan", "--json") == 0
        assert json.loads(capsys.readouterr().out)["counts"] == {}
        assert await daemon.type("explain", str(tmp_path / "docs" / "page.md")) == 0
        assert "page.md" in capsys.readouterr().out
        assert await daemon.type("retry") == 64
        assert "KB-V904" in capsys.readouterr().err
        assert [daemon.controllers[name].lent for name in ("docs", "wiki")] == [4, 3]
        assert {each.status.phase for each in daemon.made} == {Phase.WATCHING}


async def test_a_saved_plan(tmp_path: Path, capsys: Printed, monkeypatch: Monkey) -> None:
    monkeypatch.chdir(tmp_path)
    configure(tmp_path, mirror("docs"))
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    async with running(tmp_path) as daemon:
        assert await daemon.type("plan", "-o", "plan.json") == 2
        assert capsys.readouterr().out.endswith("saved: plan.json\n")
        (tmp_path / "docs" / "other.md").write_text("# Another page\n")
        assert await daemon.type("apply", "plan.json") == 3
        assert "KB-G035" in capsys.readouterr().err
        (tmp_path / "docs" / "other.md").unlink()
        assert await daemon.type("apply", "plan.json") == 0
        assert "docs: 1 created" in capsys.readouterr().out
        configure(tmp_path, mirror("docs", ", prune: false"))
        assert await daemon.type("apply", "plan.json") == 64
        assert "KB-G" in capsys.readouterr().err
        assert await daemon.type("apply", "unknown") == 64
        assert "KB-V902" in capsys.readouterr().err


async def test_adopting_is_agreed_to_where_the_person_sits(
    tmp_path: Path, capsys: Printed, monkeypatch: Monkey
) -> None:
    configure(tmp_path, mirror("docs"))
    page = tmp_path / "docs" / "page.md"
    page.write_text("# A page\n\nWith words.\n")
    for words in (["kb", "create", "Docs"], ["docs", "create-file", "Docs", str(page)]):
        assert await typed(tmp_path, *words) == 0
    answers = [lambda: False, lambda: bool(page.rename(page.with_name("p.md"))), lambda: True]
    monkeypatch.setattr("kbsync.cli.local_context.ask", lambda question: answers.pop(0)())
    async with running(tmp_path) as daemon:
        assert await daemon.type("adopt") == 1
        printed = capsys.readouterr()
        assert "* page.md <- page.md" in printed.out
        assert printed.err == "nothing was adopted\n"
        assert await daemon.type("adopt") == 1
        assert "KB-A025" in capsys.readouterr().err
        page.with_name("p.md").rename(page)
        assert await daemon.type("adopt") == 0
        assert capsys.readouterr().out.count("* page.md <- page.md") == 1
        assert answers == []
        assert await daemon.type("adopt", "--dry-run") == 0


async def test_mirrors_are_renamed_forgotten_and_destroyed(tmp_path: Path, capsys: Printed) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    async with running(tmp_path) as daemon:
        assert await daemon.type("apply") == 0
        capsys.readouterr()
        assert await daemon.type("mirror", "rename", "docs", "handbook") == 0
        printed = capsys.readouterr()
        assert "mirror docs is called handbook now, with 1 documents" in printed.out
        assert "KB-V061" in printed.err
        assert "KB-K012" in printed.err
        assert daemon.controllers["docs"].paused
        assert not daemon.controllers["wiki"].paused
        assert await daemon.type("mirror", "rename", "handbook", "docs") == 0
        assert await daemon.type("resume", "docs") == 0
        assert not daemon.controllers["docs"].paused
        capsys.readouterr()

        assert await daemon.type("mirror", "destroy", "docs") == 64
        assert "KB-V013" in capsys.readouterr().err
        assert await daemon.type("mirror", "destroy", "docs", "--yes") == 0
        printed = capsys.readouterr()
        assert "docs: 1 deleted from Docs, which stays; the mirror is forgotten" in printed.out
        assert "KB-K012" in printed.err
        assert daemon.controllers["docs"].paused
        assert await daemon.type("apply") == 0
        assert await daemon.type("mirror", "forget", "docs") == 0
        assert await daemon.type("mirror", "forget", "docs") == 64
        assert "KB-L070" in capsys.readouterr().err


async def test_destroying_is_agreed_to_where_the_person_sits(
    tmp_path: Path, capsys: Printed, monkeypatch: Monkey
) -> None:
    configure(tmp_path, mirror("docs"))
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    answers = [False, True]
    monkeypatch.setattr("kbsync.cli.local_context.ask", lambda question: answers.pop(0))
    async with running(tmp_path) as daemon:
        assert await daemon.type("apply") == 0
        capsys.readouterr()
        assert await daemon.type("mirror", "destroy", "docs") == 1
        assert capsys.readouterr().err == "nothing was deleted\n"
        assert await daemon.type("mirror", "destroy", "docs") == 0
        assert "1 deleted" in capsys.readouterr().out
        assert answers == []


async def test_what_is_read_only_is_planned_and_not_written(
    tmp_path: Path, capsys: Printed
) -> None:
    configure(tmp_path, mirror("docs", ", read_only: true"), mirror("wiki"))
    (tmp_path / "docs" / "page.md").write_text("# A page\n\nWith words.\n")
    (tmp_path / "wiki" / "page.md").write_text("# A page\n\nWith words.\n")
    async with running(tmp_path) as daemon:
        assert daemon.controllers["docs"].read_only
        assert not daemon.controllers["wiki"].read_only
        assert await daemon.type("plan") == 2
        assert "2 to create" in capsys.readouterr().out
        assert await daemon.type("apply") == 3
        printed = capsys.readouterr()
        assert "KB-K010" in printed.err
        assert "wiki: 1 created" in printed.out
        assert [each["mirror"] for each in daemon.said("create")] == ["wiki"]
        assert await daemon.type("retry", "--mirror", "docs") == 64


@pytest.mark.parametrize(
    ("docs", "wiki", "code"),
    [
        (Phase.WATCHING, Phase.PAUSED, 0),
        (Phase.UNREACHABLE, Phase.SYNCING, 5),
        (Phase.UNREACHABLE, Phase.HALTED, 4),
        (Phase.HALTED, Phase.WATCHING, 4),
    ],
)
async def test_a_health_check_tells_halted_and_unreachable_from_well(
    docs: Phase, wiki: Phase, code: int, tmp_path: Path
) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    async with running(tmp_path) as daemon:
        daemon.controllers["docs"].become(docs)
        daemon.controllers["wiki"].become(wiki)
        for words in (["--running"], ["--running", "--json"], [], ["--json"]):
            assert await daemon.type("status", *words) == code, words


async def test_what_the_guard_holds_back_is_no_good_health(tmp_path: Path) -> None:
    configure(tmp_path, mirror("docs"))
    async with running(tmp_path) as daemon:
        daemon.controllers["docs"].become(Phase.WATCHING, held="0123abcd")
        assert await daemon.type("status", "--running") == 4


async def test_status_shows_what_the_daemon_does(tmp_path: Path, capsys: Printed) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    async with running(tmp_path) as daemon:
        daemon.controllers["docs"].become(Phase.SYNCING, pending=3, indexing=1, mode="inotify")
        assert await daemon.type("pause", "wiki") == 0
        capsys.readouterr()
        assert await daemon.type("status") == 0
        printed = capsys.readouterr().out
        assert "daemon: process " in printed
        assert "  syncing, 3 pending, 1 indexing, by inotify\n" in printed
        assert f"  next: kbsync -c {tmp_path}/kbsync.yaml resume wiki\n" in printed
        assert await daemon.type("status", "--running") == 0
        assert "docs: syncing, 3 pending" in capsys.readouterr().out
        assert await daemon.type("status", "--json") == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["daemon"]["mirrors"]["docs"]["phase"] == "syncing"
        assert [each["paused"] for each in shown["mirrors"]] == [False, True]
    assert await daemon.type("status", "--running") == 1
    assert "KB-K001" in capsys.readouterr().err
    assert await daemon.type("status") == 0
    assert "daemon" not in capsys.readouterr().out.splitlines()[0]
    assert await daemon.type("reload") == 1
    assert "KB-K001" in capsys.readouterr().err


async def test_a_pause_outlives_a_restart(tmp_path: Path, capsys: Printed) -> None:
    configure(tmp_path, mirror("docs"), mirror("wiki"))
    async with running(tmp_path) as daemon:
        assert await daemon.type("pause", "docs") == 0
        resuming = f"kbsync -c {tmp_path}/kbsync.yaml resume docs"
        assert capsys.readouterr().out == f"docs: paused\n  next: {resuming}\n"
        assert daemon.controllers["docs"].paused
        assert await daemon.type("pause", "unknown") == 64
    async with running(tmp_path) as daemon:
        assert (daemon.controllers["docs"].paused, daemon.controllers["wiki"].paused) == (
            True,
            False,
        )
        assert await daemon.type("resume") == 0
        assert not daemon.controllers["docs"].paused
    assert await daemon.type("pause") == 0  # without a daemon: for the next one
    async with running(tmp_path) as daemon:
        assert (daemon.controllers["docs"].paused, daemon.controllers["wiki"].paused) == (
            True,
            True,
        )


async def test_checks_beside_a_sound_daemon_are_sound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The embedded base is open in the daemon alone, which lends it."""
    configure(tmp_path, mirror("docs"))
    async with running(tmp_path) as daemon:
        assert await daemon.type("apply") == 0
        for verb in ("validate", "doctor"):
            assert await daemon.type(verb) == 0
            assert "KB-V014" in capsys.readouterr().out
