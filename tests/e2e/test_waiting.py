"""A server that takes documents and indexes none: the wait has an end, and what stands is named."""

from pathlib import Path

import pytest
from test_mirror import configure
from typing_commands import Terminal, served

pytestmark = pytest.mark.timeout(240)


def test_a_server_whose_worker_does_not_run(tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    (tmp_path / "docs").mkdir()
    for name in ("a.md", "b.md"):
        (tmp_path / "docs" / name).write_text(f"The page {name} tells of lenses.\n")
    with served(tmp_path, "--quirk", "stuck-indexing") as url:
        configure(tmp_path, url)

        said = person.type("apply", "--wait", "3s", exit=6)
        assert "KB-V191" in said
        assert "still indexing: a.md" in said
        assert "not done yet: b.md" in said

        assert "KB-V190" in person.type("plan", "--wait", "1ms", exit=6)
