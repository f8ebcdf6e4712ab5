"""What a person sees in a terminal of 80 and of 120 columns: plan, progress, report, status."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import Browser, browsing
from terminal_pane import Pane, opened_pane
from typing_commands import Terminal, served

pytestmark = [pytest.mark.timeout(180), pytest.mark.seconds(20)]
# Where the pictures are kept, to be looked at; without it none is taken.
SHOTS = os.environ.get("KBSYNC_SHOTS")
GUIDES = (
    "backup",
    "install",
    "monitoring",
    "a-rather-long-name-of-a-page-about-restoring-machines",
)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")


def changed(folder: Path, person: Terminal) -> None:
    """Mirror a folder, then change it in every way."""
    docs = folder / "docs"
    for name in ("faq", "old", *(f"guides/{each}" for each in GUIDES[:2])):
        write(docs, f"{name}.md", f"# The page {name}\n\nIt tells of {name}.\n")
    person.type("apply")
    write(docs, "faq.md", "# Questions\n\nAnd answers, which are new.\n")
    (docs / "old.md").unlink()
    (docs / "guides/backup.md").rename(docs / "guides/backup-and-restore.md")
    for name in GUIDES[2:]:
        write(docs, f"guides/{name}.md", f"# {name}\n\nSomething new about {name}.\n")
    write(docs, "reports/broken.pdf", "no PDF at all")
    write(docs, "reports/empty.md", "")
    write(docs, "reports/figures.xyz", "1 2 3")


def keep(pane: Pane, name: str, browser: Browser | None, folder: Path) -> None:
    """Check what is seen, and take a picture of it where one is wanted."""
    lines = pane.seen().splitlines()
    assert max(map(len, lines)) <= pane.width
    if browser is None or SHOTS is None:
        return
    page = folder / f"{name}.html"
    page.write_text(pane.page(), "utf-8")
    browser.open(page.as_uri())
    sides = "const it = document.body.getBoundingClientRect(); return [it.width, it.height]"
    wide, tall = map(int, browser.run(sides))
    browser.size(wide + 1, tall + 1)
    Path(SHOTS).mkdir(parents=True, exist_ok=True)
    browser.shot(Path(SHOTS) / f"terminal-{pane.width}-{name}.png")


def story(folder: Path, pane: Pane, browser: Browser | None) -> None:
    pane.type("kbsync plan")
    seen = pane.until("signs: ")
    assert "> guides/backup-and-restore.md  (moved from guides/backup.md)" in seen
    assert "\x1b[32m+ guides/monitoring.md" in pane.seen(colours=True)
    keep(pane, "plan", browser, folder)

    for number in range(60):
        write(folder / "docs", f"archive/{number % 5}/{number:02}.md", f"# {number}\n\nOld.\n")
    pane.type("kbsync plan")
    assert "+ archive/" in pane.until("each change by name: ")
    keep(pane, "plan-by-folder", browser, folder)

    pane.type("kbsync apply")
    pane.until("indexed")
    pane.until("/min")
    keep(pane, "progress", browser, folder)
    pane.until("docs: 62 created, 1 deleted, 1 moved, 1 updated, 1 failed, 1 unchanged, 2")
    keep(pane, "applied", browser, folder)

    pane.type("kbsync status; kbsync status --failed; kbsync kb list; kbsync search backup")
    pane.until("1. ")
    keep(pane, "status", browser, folder)

    pane.type("kbsync sync; kbsync apply --dry-run; kbsync -c none.yaml plan; kbsync --help")
    pane.until("each verb has its own")
    keep(pane, "help", browser, folder)


# Both are looked at where pictures are taken.
@pytest.mark.parametrize("width", [80] if SHOTS is None else [80, 120])
def test_what_is_seen(width: int, tmp_path: Path) -> None:
    person = Terminal(tmp_path)
    with (
        served(tmp_path, "--indexing-delay", "0.2", "--workers", "2") as url,
        opened_pane(tmp_path, width) as pane,
    ):
        person.type("init", "--url", url)
        changed(tmp_path, person)
        if SHOTS is None:
            story(tmp_path, pane, None)
            return
        with browsing() as browser:
            story(tmp_path, pane, browser)
