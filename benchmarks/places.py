"""Places: a folder with a configuration and a ledger, as one version of kbsync sees it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from benchmarks.knowledge_api import BASE_NAME
from benchmarks.measure import FailedError
from benchmarks.servers import KEY, stub
from benchmarks.suite import Suite, Version
from benchmarks.trees import Shape

FILL = Path(__file__).with_name("fill_ledger.py")


@dataclass(frozen=True)
class Place:
    """One place.

    Args:
        folder: where `kbsync.yaml` is.
        source: the mirrored folder.
    """

    folder: Path
    source: Path

    @property
    def documents(self) -> Path:
        """What the base holds when it fits the ledger."""
        return self.folder / "documents.jsonl"

    def configure(
        self,
        url: str,
        *,
        in_flight: int | None = None,
        include: str | None = None,
        largest: str | None = None,
    ) -> None:
        """Write the configuration.

        Args:
            url: of the server with its path, or `embedded`.
            in_flight: requests at once; None: the default.
            include: the one file to take; None: all.
            largest: size of the largest file, such as `400MB`; None: the default.
        """
        server: dict[str, object] = {"url": url}
        server |= {"api_key": KEY} if url != "embedded" else {}
        server |= {"max_in_flight": in_flight} if in_flight else {}
        mirror: dict[str, object] = {
            "name": "docs",
            "source": str(self.source),
            "knowledge_base": BASE_NAME,
            "chunking": {"indexing_technique": "high_quality"},
        }
        mirror |= {"include": [include]} if include else {}
        mirror |= {"max_file_size": largest} if largest else {}
        ledger = "./state/ledger.db"
        whole = {"version": 1, "server": server, "ledger": ledger, "mirrors": [mirror]}
        # JSON is YAML, and quotes every path as it has to be.
        config = self.folder / "kbsync.yaml"
        config.write_text(json.dumps(whole, indent=1))
        config.chmod(0o600)


def new_place(suite: Suite, source: Path) -> Place:
    """Return a place without a ledger, gone at the end of the run."""
    return Place(Path(mkdtemp(dir=suite.scratch, prefix="place-")), source)


def filled_place(suite: Suite, version: Version, shape: Shape) -> Place:
    """Return a kept place whose ledger has every file of the tree as synced."""
    source = suite.tree(shape)
    place = Place(suite.keep / "places" / f"{shape.name}-{version.tag}", source)
    return fill(suite, version, place)


def fill(suite: Suite, version: Version, place: Place) -> Place:
    """Fill the ledger of a place, unless that was done before."""
    done = place.folder / "filled"
    if done.exists():
        return place
    shutil.rmtree(place.folder, ignore_errors=True)  # what was begun and not ended
    place.folder.mkdir(parents=True)
    first = next(path for path in sorted(place.source.rglob("*.md")))
    with stub(suite) as server:
        place.configure(f"{server.url}/v1", include="/" + str(first.relative_to(place.source)))
        _run(version.command, "apply", cwd=place.folder)
    ledger = str(place.folder / "state" / "ledger.db")
    words = ("-I", str(FILL), ledger, str(place.source), str(place.documents))
    _run(str(version.python), *words, cwd=place.folder)
    done.touch()
    return place


def _run(*words: str, cwd: Path) -> None:
    ran = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise FailedError(f"{' '.join(words)} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")
