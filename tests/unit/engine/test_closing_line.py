"""The closing line of a pass counts each document once."""

from __future__ import annotations

import pytest

from kbsync.commands.report import summary

from .fakes import run_pool, stage

pytestmark = pytest.mark.anyio


async def test_what_was_sent_and_not_indexed_is_not_counted_as_created() -> None:
    on = stage({f"{name}.md": b"text" for name in "abc"})
    on.synced("d.md", b"old")
    on.source.write("d.md", b"new")
    on.server.empty_names.add("b.md")
    on.server.failing_names |= {"c.md", "d.md"}
    report = await run_pool(on, ["a.md", "b.md", "c.md", "d.md"])
    assert report.done == {"create": 3, "update": 1}
    assert report.unproved == {"create": 2, "update": 1}
    assert summary(report) == "docs: 1 created, 3 failed, 0 unchanged"
    # It ends well: another pass counts it as what it did.
    on.server.empty_names.clear()
    on.source.write("b.md", b"more text")
    assert summary(await run_pool(on, ["b.md"])) == "docs: 1 updated, 0 unchanged"
