"""Alert rules, dashboard and runbook agree with each other and with what `/metrics` has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from daemon_running import configure, mirror, running, until

from kbsync.cli import obey

ROOT = Path(__file__).parents[3]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
FIRED = RULES.with_name("alerts.test.yaml")
DASHBOARD = ROOT / "deploy" / "grafana" / "kbsync.json"
RUNBOOK = ROOT / "docs" / "alerts.md"
PROMTOOL = shutil.which("promtool")
# Prometheus itself makes it of each scrape.
OF_PROMETHEUS = {"up"}
# Of a process of a cluster alone: tests/e2e/test_cluster_http.py looks for them there.
OF_A_CLUSTER = {
    "kbsync_jobs",
    "kbsync_leases",
    "kbsync_leases_lost_total",
    "kbsync_oldest_dirty_seconds",
    "kbsync_processes",
    "kbsync_shards",
}


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    return found


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(kbsync_\w+|up)\b", expression))


def names_of(text: str) -> dict[str, str]:
    """Every name that can be asked for, with the metric it belongs to."""
    found = {}
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE):
        ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        found |= {f"{name}{end}": name for end in ends}
    return found


async def scraped(folder: Path) -> str:
    """The metrics of a daemon that keeps one mirror."""
    configure(folder, mirror("docs"), more='web: {listen: "127.0.0.1:0"}\n')
    async with running(folder) as daemon, httpx.AsyncClient() as http:
        await until(lambda: daemon.said("web listens"))
        text = (await http.get(f"{daemon.said('web listens')[0]['url']}/metrics")).text
    return text


@pytest.mark.anyio
async def test_every_expression_names_what_is_measured(tmp_path: Path) -> None:
    text = await scraped(tmp_path)
    names = names_of(text)
    assert len(names) > 15
    used = {name for each in expressions() for name in metrics_in(each)}
    assert used - names.keys() == OF_PROMETHEUS | OF_A_CLUSTER
    # Whatever is measured is shown, but for times of the client's own.
    shown = {names[name] for each in panels() for name in metrics_in(str(each)) if name in names}
    assert {name for name in names.values() if not name.endswith("_created")} == shown


def test_every_alert_has_its_runbook() -> None:
    page = RUNBOOK.read_text("utf-8")
    sections = re.findall(r"^## (\w+)\n(.+)", page, re.MULTILINE)
    assert [name for name, _ in sections] == [rule["alert"] for rule in rules()]
    for rule in rules():
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_the_runbook_names_verbs_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    verbs = set(re.findall(r"`kbsync ([a-z]+)", RUNBOOK.read_text("utf-8")))
    assert {"status", "plan", "apply", "retry", "doctor"} <= verbs
    for verb in sorted(verbs):
        assert obey([verb, "--help"]) == 0
    capsys.readouterr()


def test_every_alert_is_fired_in_a_test() -> None:
    tests = yaml.safe_load(FIRED.read_text("utf-8"))["tests"]
    fired = [
        check["alertname"]
        for test in tests
        for check in test["alert_rule_test"]
        if check["exp_alerts"]
    ]
    assert fired == [rule["alert"] for rule in rules()]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: package prometheus")
@pytest.mark.parametrize("what", [("check", RULES), ("test", FIRED)])
def test_promtool_agrees(what: tuple[str, Path]) -> None:
    verb, file = what
    words = [PROMTOOL or "", verb, "rules", file.name]
    ran = subprocess.run(words, cwd=file.parent, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "SUCCESS" in ran.stdout + ran.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: package prometheus")
@pytest.mark.anyio
async def test_promtool_reads_the_metrics(tmp_path: Path) -> None:
    text = (await scraped(tmp_path)).encode()
    words = [PROMTOOL or "", "check", "metrics"]
    ran = subprocess.run(words, input=text, capture_output=True, check=False)  # noqa: ASYNC221
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_the_dashboard_can_be_imported() -> None:
    board = json.loads(DASHBOARD.read_text("utf-8"))
    assert (board["title"], board["uid"]) == ("kbsync", "kbsync")
    assert len({panel["id"] for panel in panels()}) == len(panels())
    variables = {each["name"] for each in board["templating"]["list"]}
    asked = set(re.findall(r"\$\{?(\w+)", json.dumps(panels()))) - {"__rate_interval"}
    assert asked == variables
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
