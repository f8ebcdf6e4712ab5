"""Every story of the engine that has a ledger, on PostgreSQL."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import engine
import pytest

# What looks into the ledger in memory itself, and what is long and tests nothing new of a real one.
LEFT_OUT = {
    "test_knowledge_base",
    "test_base_settings",
    "test_a_listing_that_another_mirror_began_meanwhile_is_left_alone",
    "test_controller_drawn",
    "test_controller_edits",
    "test_large_bases",
    "test_poll_pace",
    "test_recovery",
    "test_documents_that_no_key_has",
    "test_a_hundred_files_of_a_folder_move_and_a_hundred_new_ones_take_their_places",
    "test_a_pass_waits_as_long_as_there_is_progress",
    "test_many_lost_replies_make_no_duplicates",
    "test_many_old_documents_are_read_back_by_pages",
    "test_the_daemon_names_it_all_day_long",
    "test_uploads_are_marked_in_few_calls",
}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

for suite in sorted({each.name for each in pkgutil.iter_modules(engine.__path__)} - LEFT_OUT):
    stories = vars(import_module(f"engine.{suite}")) if suite.startswith("test_") else {}
    # What sets no stage has no ledger.
    for name, story in stories.copy().items() if "stage" in stories else ():
        if name.startswith("test_") and name not in LEFT_OUT:
            globals()[f"{suite}__{name}"] = story
