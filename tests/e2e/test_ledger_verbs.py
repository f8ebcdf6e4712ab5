"""The ledger checked, backed up, and moved from one database to the other, as it is typed."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from cluster import Cluster
from ledgers import FILE, Ledger
from running_daemon import keeping
from test_mirror import FILES, Requests, configure, write_files
from typing_commands import COMMAND, Terminal, environment, served

from kbsync.ledger.tables import REVISION
from kbsync.messages import ledger as say

pytestmark = pytest.mark.timeout(300)


def test_a_mirror_moves_to_postgresql_and_back_without_a_request(
    tmp_path: Path, cluster: Cluster
) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    there = cluster.fresh()
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        requests.writes()
        printed = terminal.type("ledger", "copy", FILE, there)
        assert f"{FILES} entries" in printed
        assert say.COPY_NOT_EMPTY.code in terminal.type("ledger", "copy", FILE, there, exit=64)
        assert say.COPY_SAME.code in terminal.type("ledger", "copy", FILE, FILE, exit=64)
        assert say.MISSING.code in terminal.type("ledger", "copy", "no.db", "new.db", exit=1)
        assert not (tmp_path / "no.db").exists()

        configure(tmp_path, url, ledger=there)
        assert terminal.read("plan")["counts"] == {}
        (tmp_path / "docs" / "late.md").write_text("# Late\n\nBut welcome.\n")
        terminal.type("apply")
        assert requests.writes()
        terminal.type("ledger", "copy", there, "./back.db")
        configure(tmp_path, url, ledger="./back.db")
        terminal.type("apply")
        assert not requests.writes()
        assert terminal.read("status")["mirrors"][0]["documents"]["synced"] == FILES + 1


def test_a_backup_is_taken_and_stands_in(tmp_path: Path, ledger: Ledger) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url, ledger=ledger.address)
        assert say.MISSING.code in terminal.type("ledger", "check", exit=1)
        terminal.type("apply")
        requests.writes()
        sound = terminal.read("ledger", "check")
        assert (sound["sound"], sound["faults"], sound["intents"]) == (True, [], [])
        assert sound["mirrors"] == {"docs": {"synced": FILES}}
        assert "sound; " in terminal.type("ledger", "check")

        terminal.type("ledger", "backup", "kept.db")
        assert say.COPY_EXISTS.code in terminal.type("ledger", "backup", "kept.db", exit=64)
        ledger.lose()
        terminal.type("ledger", "copy", "kept.db", ledger.address)
        terminal.type("apply")
        assert not requests.writes()
        assert terminal.read("status")["mirrors"][0]["documents"]["synced"] == FILES


def test_a_ledger_that_is_not_sound_is_reported(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs")
    configure(tmp_path, "embedded")
    config = tmp_path / "kbsync.yaml"
    server = "server: {url: embedded, embedded: {data: ./base.db}}"
    config.write_text(
        "\n".join(
            server if line.startswith("server:") else line
            for line in config.read_text().splitlines()
        )
    )
    terminal.type("apply")
    with closing(sqlite3.connect(tmp_path / FILE)) as connection:
        connection.execute("UPDATE entries SET state = 'happy' WHERE path LIKE '%page1.md'")
        connection.commit()
    printed = terminal.type("ledger", "check", exit=1)
    assert say.NOT_SOUND.code in printed
    assert "page1.md" in printed
    printed = terminal.type("ledger", "check", "--json", exit=1)
    assert json.loads(printed)["sound"] is False


# What the revisions from 0003 on changed, undone.
ADDED = {
    "entries": (
        *("ctime_ns", "sent_at", "progress_at", "progress"),
        *("stale_code", "stale_text", "encoding"),
        *("profile", "source_content", "metadata", "trashed_at", "expires_at", "chunks"),
    ),
    "bindings": ("settings",),
    "intents": ("ctime_ns",),
    "rejections": ("ctime_ns",),
    "listings": ("number",),
}
DROPPED = [
    f"ALTER TABLE {table} DROP COLUMN {column};"
    for table, columns in ADDED.items()
    for column in columns
]
AS_0002 = """
DROP INDEX ix_entries_inode;
DROP INDEX ix_entries_stale;
DROP TABLE mounts;
DROP TABLE unmet;
CREATE TABLE old (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO old SELECT 'clock', high_water FROM meta;
INSERT INTO old SELECT 'owner:' || mirror, json_object(
    'token', owner_token, 'predecessors', json(owner_predecessors),
    'whole', json(iif(owner_whole, 'true', 'false'))
) FROM mirrors WHERE owner_token IS NOT NULL;
INSERT INTO old SELECT 'paused:' || mirror, paused_at FROM mirrors WHERE paused_at IS NOT NULL;
DROP TABLE meta;
DROP TABLE mirrors;
DROP TABLE halts;
DROP TABLE servers;
ALTER TABLE old RENAME TO meta;
UPDATE alembic_version SET version_num = '0002';
"""


def test_a_mirror_of_an_older_ledger_has_nothing_to_do(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    terminal, requests = Terminal(tmp_path), Requests(log)
    write_files(tmp_path / "docs")
    with served(tmp_path, "--request-log", str(log)) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        terminal.type("pause", "docs")
        requests.writes()
        with closing(sqlite3.connect(tmp_path / FILE)) as connection:
            connection.executescript(AS_0002 + "".join(DROPPED))
        for verb in ("status", "ledger check"):
            assert say.OLDER.code in terminal.type(*verb.split(), exit=1)
        assert terminal.read("plan")["counts"] == {}
        terminal.type("apply")
        assert not requests.writes()
        (mirror,) = terminal.read("status")["mirrors"]
        assert mirror["documents"] == {
            "synced": FILES,
            "failed": 0,
            "unfindable": 0,
            "stale": 0,
            "unmet": 0,
        }
        assert mirror["paused"]
        assert (tmp_path / f"{FILE}.before-{REVISION}").exists()


def test_a_backup_is_restored_and_the_next_plan_finds_what_was_done_since(
    tmp_path: Path, cluster: Cluster
) -> None:
    terminal, ledger = Terminal(tmp_path), tmp_path / "ledger.db"
    write_files(tmp_path / "docs")
    with served(tmp_path) as url:
        configure(tmp_path, url, ledger=str(ledger))
        terminal.type("apply")
        terminal.type("ledger", "backup", "old.db")
        (tmp_path / "docs" / "late.md").write_text("# Late\n\nBut welcome.\n")
        terminal.type("apply")
        # As a process that was killed leaves it: a log of the ledger that is replaced.
        leave_a_log(ledger)
        printed = terminal.type("ledger", "restore", "old.db")
        (kept,) = tmp_path.glob("ledger.db.before-restore-*[0-9]")
        assert str(kept) in printed
        assert Path(f"{kept}-wal").exists()
        assert terminal.read("ledger", "check")["mirrors"] == {"docs": {"synced": FILES}}
        # The document is there, with its mark: nothing is uploaded again.
        plan = json.loads(terminal.type("plan", "--json", exit=2))
        assert plan["counts"] == {"adopt": 1}
        terminal.type("apply")
        assert terminal.read("ledger", "check")["mirrors"] == {"docs": {"synced": FILES + 1}}

        assert say.COPY_SAME.code in terminal.type("ledger", "restore", str(ledger), exit=64)
        assert say.MISSING.code in terminal.type("ledger", "restore", "no.db", exit=1)
        (tmp_path / "text.db").write_text("no ledger")
        assert "KB-L02" in terminal.type("ledger", "restore", "text.db", exit=(1, 64))
        assert terminal.read("ledger", "check")["mirrors"] == {"docs": {"synced": FILES + 1}}

        configure(tmp_path, url, ledger=cluster.fresh())
        terminal.type("ledger", "restore", "old.db")
        assert terminal.read("ledger", "check")["mirrors"] == {"docs": {"synced": FILES}}
        refused = terminal.type("ledger", "restore", "old.db", exit=64)
        assert say.RESTORE_NOT_EMPTY.code in refused


def leave_a_log(ledger: Path) -> None:
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
        "c.execute('UPDATE meta SET high_water = high_water + 1'); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(ledger)], check=True)
    assert Path(f"{ledger}-wal").stat().st_size


def test_a_ledger_in_use_is_not_replaced(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs")
    with served(tmp_path) as url:
        configure(tmp_path, url)
        terminal.type("apply")
        terminal.type("ledger", "backup", "old.db")
        with keeping(tmp_path):
            assert say.LOCKED.code in terminal.type("ledger", "restore", "old.db", exit=1)
            assert not list(tmp_path.glob("*.before-restore-*"))


def test_a_restore_that_finds_no_room_leaves_the_ledger_as_it_was(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    write_files(tmp_path / "docs")
    with served(tmp_path) as url:
        configure(tmp_path, url, ledger="./ledger.db")
        terminal.type("apply")
        terminal.type("ledger", "backup", "old.db")
        line = f"ulimit -f 8; exec {COMMAND} ledger restore old.db"
        # What is compiled there would be cut off too, and stay for everyone who loads it later.
        env = environment(PYTHONDONTWRITEBYTECODE="1")
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=env, capture_output=True, check=False
        )
        assert done.returncode == 1
        assert say.COPY_FAILED.code in done.stderr.decode()
        assert not list(tmp_path.glob("ledger.db.before-restore-*"))
        assert terminal.read("ledger", "check")["mirrors"] == {"docs": {"synced": FILES}}
        assert terminal.read("plan")["counts"] == {}
