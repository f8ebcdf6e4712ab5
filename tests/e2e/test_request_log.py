"""`--log-level debug`: each request is a line, and no line has the key."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from mishaps import Place
from typing_commands import COMMAND, KEY, environment, served


def typed(place: Place, *words: str) -> subprocess.CompletedProcess[str]:
    line = [str(COMMAND), "-c", str(place.file), *words]
    return subprocess.run(line, env=environment(), capture_output=True, text=True, check=False)


def test_each_request_is_a_line_with_its_status_and_time(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with served(tmp_path) as url:
        place.configure(f'{{url: "{url}", api_key: {KEY}}}')
        done = typed(place, "--log-level", "debug", "--log-format", "json", "plan")
        shown = typed(place, "--log-level", "debug", "--log-format", "text", "plan")
    lines = [json.loads(each) for each in done.stderr.splitlines()]
    requests = [each for each in lines if each["event"] == "request"]
    assert requests
    assert {each["status"] for each in requests} == {200}
    assert all(each["route"].startswith("/datasets") and each["ms"] >= 0 for each in requests)
    assert "request" in shown.stderr
    assert "route=/datasets" in shown.stderr
    assert KEY not in done.stderr + shown.stderr
