"""Histories of the trash that broke once."""

from __future__ import annotations

from pathlib import Path

from .playing import fails
from .program import Program


def test_a_chunk_edited_in_the_trash_is_seen_though_the_base_is_not_listed(
    empty: Path, tmp_path: Path
) -> None:
    program = Program.parsed(
        "28398 edit:4973 declare_trash:38330 rest:52524 title:17394 clock_jumps:43351 rest:1256 "
        "declare_trash:65232 calm_apply:15680 keep:11292 edit:64764 swap:27526 take_out:54811 "
        "keep_copy:35871 calm_apply:23250 delete:24226 rest:6117 empty_trash:37769"
    )
    assert fails(program, tmp_path, empty) is None


def test_a_process_that_was_begun_to_empty_the_trash_empties_it_though_another_wish_came_since(
    empty: Path, tmp_path: Path
) -> None:
    program = Program.parsed(
        "24 declare_trash:50182 declare_trash:23932 calm_apply:1 delete:28608 calm_apply:2 "
        "empty_trash:3 delete:21932 calm_keep:25440"
    )
    assert fails(program, tmp_path, empty) is None
