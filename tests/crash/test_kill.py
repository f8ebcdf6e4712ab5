"""`kill -9` is a supported way to stop: a real process, a real server, a real disk."""

import json
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest
from typing_commands import COMMAND, Terminal, environment, served

FILES = 80


def configure(folder: Path, url: str) -> None:
    (folder / "kbsync.yaml").write_text(
        "version: 1\n"
        f'server: {{url: "{url}", api_key: "${{DIFY_API_KEY}}", timeout: 2s}}\n'
        "ledger: ./state/ledger.db\n"
        "mirrors:\n  - {name: docs, source: ./docs, knowledge_base: Docs, settle: 0s, "
        "ambiguity_window: 3s}\n"
    )


def kill_after(folder: Path, creates: int, log: Path) -> None:
    """Start `kbsync apply`; kill it once the server has seen `creates` more creates."""
    seen = _creates(log)
    process = subprocess.Popen(
        [str(COMMAND), "apply"],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and _creates(log) < seen + creates:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)


def _creates(log: Path) -> int:
    return log.read_text().count("create-by-file") if log.exists() else 0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_three_times_then_exact(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    log = tmp_path / "requests.jsonl"
    terminal = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    for number in range(FILES):
        (tmp_path / "docs" / f"page{number}.md").write_text(f"# {number}\n\nNumber {number}.\n")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        for _ in range(3):
            kill_after(tmp_path, drawn.randint(1, FILES // 4), log)
        terminal.type("apply")
        listed = _listed(terminal)
        assert sorted(listed) == sorted(f"page{number}.md" for number in range(FILES))
        assert terminal.read("plan")["counts"] == {}
        status = terminal.read("status")["mirrors"][0]
        assert status["documents"]["synced"] == FILES
        assert status["foreign"] == 0
        sent = json.loads(f"[{','.join(log.read_text().splitlines())}]")
        uploads = sum("create-by-file" in r["route"] or "update" in r["route"] for r in sent)
        assert uploads <= FILES + 3 * 4  # what was in flight at each kill may be sent again


def _listed(terminal: Terminal) -> list[str]:
    names = []
    for page in (1, 2):
        reply = terminal.read("docs", "list", "Docs", "--limit", "100", "--page", str(page))
        names += [row["name"] for row in _rows(reply)]
    return names


def _rows(reply: object) -> list[dict[str, str]]:
    if isinstance(reply, dict):
        reply = reply.get("rows", reply.get("data", []))
    assert isinstance(reply, list)
    return reply
