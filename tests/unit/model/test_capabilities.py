"""What a server can do: the table of versions, and what was seen of the server at hand."""

from __future__ import annotations

import pytest

from kbsync.model import Capabilities, Capability
from kbsync.model.capabilities import TABLE, CapabilityRow, noted, numbers_of

WEDGING = ("1.12.0", "1.12.1", "v1.12.1", "1.12.1-fix.2")


@pytest.mark.parametrize(
    "version", ["0.6.0", "0.15.3", "1.11.4", "1.12.10", "1.12.2", "1.13.0", *WEDGING]
)
def test_updates_end_on_every_version_but_two(version: str) -> None:
    assert (Capability.UPDATE_ENDS in Capabilities(version=version)) is (version not in WEDGING)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.capability.value)
def test_each_capability_begins_with_its_version(row: CapabilityRow) -> None:
    major, minor, patch = row.since
    assert row.has(row.since)
    assert not row.has((major, minor, patch - 1))


def test_the_table_has_every_capability_once() -> None:
    assert sorted(row.capability for row in TABLE) == sorted(Capability)


@pytest.mark.parametrize("version", [None, "", "nightly", "main"])
def test_a_version_that_is_not_told_promises_nothing(version: str | None) -> None:
    able = Capabilities(version=version)
    assert not [each for each in Capability if each in able]
    assert able.unknown == set(Capability)
    assert not able.too_old


def test_what_was_seen_outweighs_the_version() -> None:
    able = Capabilities(version="1.16.1").noting(Capability.METADATA, able=False)
    assert Capability.METADATA not in able
    assert not Capabilities(version="1.16.1").proven(Capability.UPDATE_ENDS)
    assert able.noting(Capability.UPDATE_ENDS, able=True).proven(Capability.UPDATE_ENDS)
    assert able.noting(Capability.METADATA, able=True) != able


def test_what_was_missing_against_the_version_is_looked_for_again() -> None:
    told = Capabilities(version="1.16.1").noting(Capability.UPDATE_ENDS, able=True)
    assert told.noting(Capability.METADATA, able=False).checked_again() == told
    untold = Capabilities().noting(Capability.METADATA, able=False)
    assert untold.checked_again() == untold


def test_losses_are_named_on_old_servers_and_none_on_new_ones() -> None:
    assert not Capabilities(version="1.16.1").losses
    assert len(Capabilities(version="1.1.0").losses) == 2
    assert not Capabilities().losses, "nothing is known of it"


def test_a_server_that_proved_older_lacks_what_came_later() -> None:
    able = Capabilities().predating(Capability.METADATA)
    later = {Capability.METADATA, Capability.GET_BASE, Capability.GET_DOCUMENT, Capability.DOWNLOAD}
    assert all(able.state(each) is False for each in later)
    assert able.unknown >= {Capability.MERGE_BY_NAME, Capability.SEARCH}
    assert Capability.UPDATE_ENDS in able, "the fault of 1.12 came later"
    assert len(able.losses) == 2


@pytest.mark.parametrize(("version", "too_old"), [("0.5.11", True), ("0.6.0", False), ("x", False)])
def test_what_is_too_old(version: str, too_old: bool) -> None:
    assert Capabilities(version=version).too_old is too_old


def test_numbers_of_odd_versions() -> None:
    assert numbers_of("1.7") == (1, 7, 0)
    assert numbers_of("v0.15.3-beta") == (0, 15, 3)
    assert numbers_of("latest") is None


def test_a_ledger_of_a_newer_kbsync_may_name_what_this_one_does_not_know() -> None:
    kept = noted("1.16.1", [("teleport", True), ("metadata", False)])
    assert kept == Capabilities(version="1.16.1").noting(Capability.METADATA, able=False)
