"""What a release has in share/ beside its code: manual pages, and completion for three shells.

`make dist` runs this before it builds: python -m tests.packages.shared_files FOLDER
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
from click_man.core import write_man_pages

from kbsync import __version__
from kbsync.cli import VERBS, cli

COMPLETION = {
    "bash": "bash-completion/completions/kbsync",
    "zsh": "zsh/site-functions/_kbsync",
    "fish": "fish/vendor_completions.d/kbsync.fish",
}


def _whole() -> click.Group:
    """Return the command with each verb loaded, which it is not before one is typed."""
    context = click.Context(cli, info_name="kbsync")
    verbs = {name: cli.get_command(context, name) for name in VERBS}
    loaded = {name: verb for name, verb in verbs.items() if verb is not None}
    return click.Group("kbsync", loaded, params=cli.params, help=cli.help)


def write(folder: Path) -> None:
    """Write every file below `folder`, as it lies below share/ where kbsync is installed."""
    pages = folder / "man" / "man1"
    pages.mkdir(parents=True, exist_ok=True)
    write_man_pages("kbsync", _whole(), version=__version__, target_dir=str(pages))
    for shell, place in COMPLETION.items():
        file = folder / place
        file.parent.mkdir(parents=True, exist_ok=True)
        command = [Path(sys.executable).with_name("kbsync"), "completion", shell]
        file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
