"""`kbsync demo`: mirror a folder into the embedded knowledge base, search it, mirror again.

Everything shown is done by the verbs a person would type, and checked: a demonstration that does
not hold ends with exit code 1.
"""

from __future__ import annotations

import io
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TextIO

import click

import kbsync.cli
from kbsync.cli.command_line import CliContext
from kbsync.cli.local_verbs import Demo
from kbsync.config.extra_packages import installing
from kbsync.messages import Exit, Problem, printable
from kbsync.messages import command as say

BASE = "Handbook"
# Appended to the configuration that `init` wrote.
BY_LIKENESS = """
  - name: likeness
    source: ./docs
    knowledge_base: Handbook by likeness
    settle: 0s
    chunking:
      mode: hierarchical
      chunk_overlap: 0
      indexing_technique: high_quality    # the server's own model: hashed words
      retrieval: {search_method: semantic_search, top_k: 3}
"""


def demo(verb: Demo, context: CliContext) -> None:
    """Play the round and say what became of the folder."""
    _require_packages()
    with _work_folder(verb.folder, verb.keep) as folder:
        _play(DemoShell(folder))


def _require_packages() -> None:
    for package in ("docx", "openpyxl", "pypdf", "starlette"):
        if find_spec(package) is None:
            raise Problem(say.EMBEDDED_EXTRA(missing=package, **installing("embedded")))


@contextmanager
def _work_folder(folder: Path | None, keep: bool) -> Iterator[Path]:
    if folder is not None:
        if folder.is_dir() and any(folder.iterdir()):
            raise Problem(say.DEMO_NOT_EMPTY(path=folder))
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="kbsync-demo-"))
    yield made  # a failed demonstration leaves its folder to look at
    if keep:
        click.echo(f"kept: {printable(str(made))}")
    else:
        shutil.rmtree(made)


class DemoShell:
    """Types commands, shows them, and checks what they print.

    Args:
        folder: where the demonstration's files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.docs = folder / "docs"
        self._config = folder / "kbsync.yaml"

    def configure(self, more: str) -> None:
        """Append to the configuration, and show what."""
        with self._config.open("a", encoding="utf-8") as file:
            file.write(more)
        click.echo(more.rstrip())

    def say(self, text: str) -> None:
        """Say what comes next."""
        click.echo(f"\n{text}")

    def type(self, *words: str, exit: Exit = Exit.OK) -> str:
        """Run a command as a person would, and return what it printed.

        Raises:
            Problem: it ended with another exit code.
        """
        click.echo(f"$ {printable(shlex.join(['kbsync', '-c', str(self._config), *words]))}")
        return self._run(words, exit, sys.stdout)

    def ask(self, *words: str) -> str:
        """Run a command without showing it, and return what it printed."""
        return self._run(words, Exit.OK, None)

    def require(self, met: bool, what: str) -> None:
        """Go on only if it is `met`.

        Raises:
            Problem: it is not.
        """
        if not met:
            raise Problem(say.DEMO_FAILED(what=what, path=self.folder))

    def require_found(self, sample: Sample) -> None:
        """Go on only if a search finds the sample's sentence.

        Raises:
            Problem: it does not.
        """
        found = self.type("search", "--top", "1", sample.query)
        self.require(sample.sentence in found, sample.path)

    def _run(self, words: tuple[str, ...], exit: Exit, shown: TextIO | None) -> str:
        with redirect_stdout(_Tee(shown)) as printed:
            code = kbsync.cli.obey(["-c", str(self._config), *words])
        self.require(code == exit, f"`{shlex.join(words)}` ended with exit code {code}, not {exit}")
        return printed.getvalue()


class _Tee(io.StringIO):
    """Keeps what is written, and shows it meanwhile."""

    def __init__(self, shown: TextIO | None) -> None:
        super().__init__()
        self._shown = shown

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._shown:
            self._shown.write(text)
            self._shown.flush()
        return written


def _play(shell: DemoShell) -> None:
    write_samples(shell.docs)
    shell.say(f"A folder with {len(SAMPLES)} documents of seven kinds, and a configuration for it.")
    shell.type("init", "--source", "./docs", "--knowledge-base", BASE)
    shell.type("validate")
    shell.say("What would be done, and doing it.")
    shell.type("plan", exit=Exit.CHANGES)
    shell.type("apply")
    shell.say("Each document answers.")
    for sample in SAMPLES:
        shell.require_found(sample)
    _change(shell)
    _search_by_likeness(shell)
    _rest(shell)


def _change(shell: DemoShell) -> None:
    shell.say(f"Edit {EDITED.path}, add {ADDED.path}, delete {DELETED.path}.")
    write(shell.docs, EDITED)
    write(shell.docs, ADDED)
    (shell.docs / DELETED.path).unlink()
    shell.type("plan", exit=Exit.CHANGES)
    shell.type("apply")
    for sample in (EDITED, ADDED):
        shell.require_found(sample)
    found = shell.type("search", "--top", "1", DELETED.query)
    shell.require(DELETED.sentence not in found, f"{DELETED.path} is still found")


def _search_by_likeness(shell: DemoShell) -> None:
    shell.say(
        "The same folder in a base of high quality: found by likeness, also by parts of words."
    )
    shell.configure(BY_LIKENESS)
    shell.type("plan", exit=Exit.CHANGES)
    shell.type("apply")
    found = shell.type("search", "--top", "1", "likeness", "staircase")
    shell.require(EDITED.sentence in found, f"{EDITED.path} is not found by likeness")


def _rest(shell: DemoShell) -> None:
    """Show that both sides are the same: another round uploads nothing."""
    shell.say("Folder and knowledge base are the same now: another round writes nothing.")
    # As JSON, which has every member.
    before = shell.ask("docs", "list", BASE, "--all", "--json")
    shell.type("plan")
    shell.type("apply")
    shell.type("status")
    # Every upload gives its document a new rev, so equal listings prove that none was made.
    after = shell.ask("docs", "list", BASE, "--all", "--json")
    shell.require(before == after, "the second apply wrote to the knowledge base")
    shell.say("All of this held.")


# The documents of the demonstration: real files of every common type, made on the spot. Their
# packages are of the extra `embedded`, so they are imported when it is known to be there.

TITLE = "Handbook of the Skerry Point lighthouse"


class Sample(NamedTuple):
    """A document: its path, what to ask, and the sentence that has to be found."""

    path: str
    query: str
    sentence: str


SAMPLES = (
    Sample(
        "README.md",
        "founded museum",
        "The museum was founded in 1974 by the last keeper's daughter.",
    ),
    Sample("guides/lamp-room.md", "lamp room", "The lamp room opens at nine, weather permitting."),
    Sample(
        "guides/ferry.txt", "ferry pier", "The ferry leaves the north pier every forty minutes."
    ),
    Sample("prices.csv", "family ticket", "A family ticket admits two adults and three children."),
    Sample(
        "visit.html", "wheelchair ramp", "A wheelchair ramp leads from the car park to the café."
    ),
    Sample(
        "reports/storm.docx",
        "storm gallery",
        "The storm of 1987 broke eleven panes of the gallery.",
    ),
    Sample("reports/stock.xlsx", "spare lens", "One spare lens is kept in the cellar."),
    Sample("leaflet.pdf", "foghorn", "The foghorn is sounded on the first Sunday of the month."),
)
EDITED = Sample(
    "guides/lamp-room.md", "lamp room stairs", "The lamp room is reached by 214 spiral stairs."
)
ADDED = Sample("guides/dogs.md", "dogs", "Dogs are welcome everywhere except in the lamp room.")
DELETED = SAMPLES[2]


def write_samples(folder: Path) -> None:
    """Write every sample below `folder`."""
    for sample in SAMPLES:
        write(folder, sample)


def write(folder: Path, sample: Sample) -> None:
    """Write one sample below `folder`, in the format its extension says."""
    path = folder / sample.path
    path.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[path.suffix](path, sample.sentence)


def _markdown(path: Path, sentence: str) -> None:
    path.write_text(f"# {TITLE}\n\n{sentence}\n", encoding="utf-8")


def _text(path: Path, sentence: str) -> None:
    path.write_text(f"{TITLE}\n\n{sentence}\n", encoding="utf-8")


def _csv(path: Path, sentence: str) -> None:
    rows = ("ticket,price,note", "adult,9.50,valid all day", f"family,24.00,{sentence}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _html(path: Path, sentence: str) -> None:
    page = (
        f"<!doctype html>\n<meta charset='utf-8'>\n<title>{TITLE}</title>\n"
        f"<h1>Your visit</h1>\n<p>{sentence}</p>\n"
    )
    path.write_text(page, encoding="utf-8")


def _docx(path: Path, sentence: str) -> None:
    import docx  # noqa: PLC0415

    document = docx.Document()
    document.add_heading(TITLE, level=1)
    document.add_paragraph(sentence)
    document.save(str(path))


def _xlsx(path: Path, sentence: str) -> None:
    import openpyxl  # noqa: PLC0415

    book = openpyxl.Workbook()
    for row in (("part", "count", "note"), ("lens", 1, sentence)):
        book.active.append(row)
    book.save(path)


def _pdf(path: Path, sentence: str) -> None:
    from pypdf import PdfWriter  # noqa: PLC0415
    from pypdf.generic import (  # noqa: PLC0415
        DecodedStreamObject,
        DictionaryObject,
        NameObject,
    )

    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    font = DictionaryObject({NameObject(k): NameObject(v) for k, v in names.items()})
    fonts = DictionaryObject({NameObject("/F1"): font})
    text = DecodedStreamObject()
    text.set_data(f"BT /F1 14 Tf 72 720 Td ({sentence}) Tj ET".encode("latin-1"))
    writer = PdfWriter()
    page = writer.add_blank_page(width=595, height=842)
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(text)
    with path.open("wb") as file:
        writer.write(file)


_WRITERS: Mapping[str, Callable[[Path, str], None]] = {
    ".md": _markdown,
    ".txt": _text,
    ".csv": _csv,
    ".html": _html,
    ".docx": _docx,
    ".xlsx": _xlsx,
    ".pdf": _pdf,
}
