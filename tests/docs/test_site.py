"""The documentation as a site: it builds without a warning, and what it shows can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kbsync.cli import cli
from kbsync.config.loading import load

from . import commands, configuration
from .rooms import ROOT

DOCS = ROOT / "docs"
# What is about the code or is written by a program shows no commands to type.
SHOWN = sorted(
    {*DOCS.glob("*.md"), ROOT / "README.md"}
    - {DOCS / f"{name}.md" for name in ("commands", "messages", "design", "dify-api", "peers")}
)
CONFIGURATION = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
TYPED = re.compile(r"^(?:    |\t)(?:\$ )?(kbsync .*)$", re.MULTILINE)


def _pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict | list):
        for each in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages(each)


@pytest.mark.seconds(10)
def test_it_builds_without_a_warning() -> None:
    built = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    assert "No issues found" in built.stdout + built.stderr


def test_every_page_is_in_the_navigation() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    assert sorted(_pages(nav)) == sorted(each.name for each in DOCS.glob("*.md"))


def test_the_generated_pages_are_what_the_code_says() -> None:
    assert configuration.PAGE.read_text("utf-8") == configuration.page(), "type: make docs"
    assert commands.PAGE.read_text("utf-8") == commands.page(), "type: make docs"


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_each_command_that_a_page_shows_is_one(page: Path) -> None:
    for line in TYPED.findall(page.read_text("utf-8")):
        plain = re.sub(r"\$\([^)]*\)", "printed", line)
        words = shlex.split(re.split(r" *&& | \| ", plain)[0], comments=True)
        _parsed(cli, words[1:], line)


def _parsed(command: click.Command, words: list[str], line: str) -> None:
    """Parse words as the command would, and its verb's after it; run nothing."""
    try:
        context = command.make_context("kbsync", list(words), resilient_parsing=False)
    except click.exceptions.Exit:
        return
    except click.UsageError as error:
        pytest.fail(f"{line}: {error.format_message()}")
    if isinstance(command, click.Group):
        rest = [*context._protected_args, *context.args]
        _, verb, after = command.resolve_command(context, rest)
        assert verb is not None
        _parsed(verb, after, line)


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_each_configuration_that_a_page_shows_is_sound(page: Path, tmp_path: Path) -> None:
    environment = {"DIFY_API_KEY": "dataset-a", "CHAT_HOOK": "https://chat.example/hook"}
    for number, text in enumerate(CONFIGURATION.findall(page.read_text("utf-8"))):
        file = tmp_path / f"{number}.yaml"
        file.write_text(_whole(text))
        load(file, environment)


def _whole(part: str) -> str:
    """Return a configuration with the keys that a page leaves out, as they are in the others."""
    keys = set(re.findall(r"^(\w+):", part, re.MULTILINE))
    text = part if "version" in keys else "version: 1\n" + part
    if not keys & {"server", "servers"}:
        text += "server: {url: embedded}\n"
    if "mirrors" not in keys:
        text += "mirrors: [{name: docs, source: ./docs, knowledge_base: Docs}]\n"
    return text
