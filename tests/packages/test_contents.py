"""What is in the source package and in the wheel."""

from __future__ import annotations

import pytest

from .built import Packages, tracked
from .shared_files import COMPLETION

pytestmark = pytest.mark.seconds(15)

# For those who work on the project, or for the place where it is kept.
NOT_PACKED = (".ci/", ".github/", ".gitlab-ci.yml", ".gitignore", ".dockerignore")
FOR_A_SERVICE = (
    "config.example.yaml",
    "systemd/kbsync.service",
    "systemd/kbsync@.service",
    "systemd/kbsync-apply.service",
    "systemd/kbsync-apply.timer",
    "prometheus/alerts.yaml",
    "grafana/kbsync.json",
)


def test_the_source_package_has_every_file(packages: Packages) -> None:
    wanted = {name for name in tracked() if not name.startswith(NOT_PACKED)}
    assert wanted - packages.in_sdist() == set()


def test_the_wheel_has_every_file_of_the_package(packages: Packages) -> None:
    wanted = {name for name in tracked() if name.startswith("kbsync/")}
    assert wanted - packages.in_wheel() == set()


def test_the_wheel_has_no_file_of_another_package(packages: Packages) -> None:
    tops = {name.partition("/")[0] for name in packages.in_wheel()}
    version = packages.wheel.name.split("-")[1]
    assert tops == {"kbsync", f"kbsync-{version}.dist-info", f"kbsync-{version}.data"}


def test_both_have_manual_pages_and_completion(packages: Packages) -> None:
    pages = {f"share/man/man1/kbsync{each}.1" for each in ("", "-apply", "-ledger-backup")}
    wanted = pages | {f"share/{place}" for place in COMPLETION.values()}
    assert wanted - packages.in_sdist() == set()
    installed = {name.partition(".data/data/")[2] for name in packages.in_wheel()}
    assert wanted - installed == set()


def test_the_wheel_has_what_a_service_needs(packages: Packages) -> None:
    shared = {
        name.partition("/data/share/kbsync/")[2]
        for name in packages.in_wheel()
        if "/data/share/kbsync/" in name
    }
    assert set(FOR_A_SERVICE) - shared == set()
