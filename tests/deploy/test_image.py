"""The image: what is in it, and how it runs; see container.py for what runs it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from canary import KEY
from container import BASE, CLOSED, IMAGE, ROOT, Container, Podman
from typing_commands import by_hand, served

from kbsync import __version__

# The building of the image, which the first test of a worker waits for.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif("KBSYNC_IMAGE" not in os.environ, reason="takes minutes; type: make image"),
]
# What kbsync, its packages and Python add to the base, in MB; 214 when this was written.
ADDED = 240
LEDGER = "/var/lib/kbsync"
needs_networks = pytest.mark.skipif(
    not all(Path("/usr/lib/podman", each).exists() for each in ("netavark", "aardvark-dns"))
    or shutil.which("iptables") is None,
    reason="needs the packages netavark, aardvark-dns and iptables",
)


class Place:
    """What is mounted: a folder to mirror, the configuration, and the key as a variable."""

    def __init__(self, folder: Path, url: str) -> None:
        self.docs, self.etc = folder / "docs", folder / "etc"
        self.docs.mkdir()
        self.etc.mkdir()
        self.key = folder / "kbsync.env"
        self.key.write_text(f"DIFY_API_KEY={KEY}\n")
        self.log, self.url = folder / "requests.jsonl", url
        self.configure()

    def configure(self, more: str = "") -> None:
        (self.etc / "kbsync.yaml").write_text(
            f'version: 1\nserver: {{url: "{self.url}", api_key: "${{DIFY_API_KEY}}"}}\n'
            "mirrors:\n"
            "  - {name: docs, source: /srv/docs, knowledge_base: Docs, settle: 0s,\n"
            f"     delete_grace: 0s{more}}}\n"
        )

    def write(self, name: str, text: str = "The fox is quick.\n") -> None:
        (self.docs / name).write_text(text)

    def mounted(self, *state: str) -> list[str]:
        """The options of a container; without `state` its volume is its own."""
        words = [f"--volume={self.docs}:/srv/docs:ro", f"--volume={self.etc}:/etc/kbsync:ro"]
        return [*words, f"--env-file={self.key}", *state]

    def documents(self) -> list[str]:
        """The names of all that searches find."""
        with by_hand(self.url) as client:
            bases: list[dict[str, Any]] = client.get("/datasets").json()["data"]
            if not bases:
                return []
            path = f"/datasets/{bases[0]['id']}/documents"
            found: list[dict[str, Any]] = client.get(path).json()["data"]
        return sorted(each["name"] for each in found if each["indexing_status"] == "completed")

    def uploads(self) -> int:
        """How many requests brought text, to be embedded."""
        lines = map(json.loads, self.log.read_text().splitlines())
        return sum(each["method"] == "PATCH" or "-by-" in each["path"] for each in lines)


@contextmanager
def serving(folder: Path) -> Iterator[Place]:
    """A server on loopback, and what mirrors a folder into it."""
    with served(folder, "--request-log", str(folder / "requests.jsonl")) as url:
        yield Place(folder, url)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with serving(tmp_path) as made:
        yield made


def inspected(podman: Podman, image: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(podman("image", "inspect", image))[0]
    return found


def test_it_is_small_and_says_what_it_is(podman: Podman) -> None:
    found = inspected(podman, IMAGE)
    assert (found["Size"] - inspected(podman, BASE)["Size"]) / 1e6 < ADDED
    labels = found["Labels"]
    assert labels["org.opencontainers.image.title"] == "kbsync"
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.revision"] == "unknown"
    assert found["Config"]["StopSignal"] == "SIGTERM"
    assert found["Healthcheck"]["Test"] == ["CMD", "kbsync", "status", "--running"]
    assert found["User"] == "10001:10001"


def test_nothing_in_it_builds_or_installs(podman: Podman) -> None:
    looked = (
        (
            "for each in pip pip3 gcc cc c++ make; do command -v $each; done; "
            "ls -d /src /opt/kbsync/bin/pip* /usr/share/python-wheels; "
            "find / -xdev ( -name pip -o -name setuptools -o -name ensurepip ) -type d"
        )
        .replace("( ", r"\( ")
        .replace(" )", r" \)")
    )
    entry = ["--entrypoint", "sh", IMAGE, "-c"]
    assert podman("run", "--rm", "--user=0", *CLOSED, *entry, f"{looked} 2>/dev/null; true") == ""


def test_all_extras_are_in_it(podman: Podman) -> None:
    loaded = "import psycopg, procrastinate, uvicorn, prometheus_client, pptx, mammoth, docx, pypdf"
    podman("run", "--rm", *CLOSED, "--entrypoint", "python3", IMAGE, "-c", loaded)


def test_the_context_of_the_build_is_what_it_copies() -> None:
    """No key, no ledger and no history of a working copy gets into a layer."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    taken = {line[1:] for line in lines if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert "*" in lines
    assert taken == {name for names in copied for name in names.split()}


def test_a_mounted_folder_is_mirrored_across_stops(podman: Podman, place: Place) -> None:
    place.write("one.md")
    volume = f"--volume=stopped:{LEDGER}"
    with podman.running(*place.mounted(volume), IMAGE) as container:
        container.until(lambda: place.documents() == ["one.md"])
        place.write("two.md")
        container.until(lambda: place.documents() == ["one.md", "two.md"])
        own = container.ran("sh", "-c", "id -u; grep -E '^(Cap|NoNew|Seccomp:)' /proc/1/status")
        assert own.stdout.splitlines()[0] == "10001"
        assert re.findall(r"(\w+):\s+(\S+)", own.stdout) == [
            *((f"Cap{each}", "0" * 16) for each in ("Inh", "Prm", "Eff", "Bnd", "Amb")),
            *(("NoNewPrivs", "1"), ("Seccomp", "2")),
        ]
        assert container.ran("touch", "/opt/kbsync/x").returncode == 1
        code, took = container.stop()
        assert (code, took < 15) == (0, True), container.log()
    assert place.uploads() == 2
    kept = place.mounted(volume)
    checked = podman.tried("run", "--rm", *CLOSED, *kept, IMAGE, "ledger", "check")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with podman.running(*kept, IMAGE) as container:
        container.until(lambda: '"in sync"' in container.log() or '"ready"' in container.log())
        container.until(lambda: not container.ran("kbsync", "status", "--running").returncode)
        assert place.uploads() == 2, container.log()
        place.write("three.md")
        container.until(lambda: "three.md" in place.documents())


@pytest.mark.parametrize("user", ["1234", "1234:5678", "0"])
def test_it_runs_as_any_user(podman: Podman, place: Place, user: str) -> None:
    place.write("one.md")
    words = [*place.mounted(), f"--user={user}", IMAGE, "apply"]
    podman("run", "--rm", *CLOSED, *words)
    assert place.documents() == ["one.md"]


def test_its_user_is_an_argument_of_the_build(podman: Podman) -> None:
    podman.build("localhost/other", UID="2000", REVISION="0123abc")
    found = inspected(podman, "localhost/other")
    assert found["User"] == "2000:2000"
    assert found["Labels"]["org.opencontainers.image.revision"] == "0123abc"
    words = ["--entrypoint", "sh", "localhost/other", "-c", f"id -un; stat -c %U {LEDGER}"]
    assert podman("run", "--rm", *CLOSED, *words).split() == ["kbsync", "kbsync"]


def test_a_full_state_volume_is_said_and_outlived(podman: Podman, place: Place) -> None:
    place.write("one.md")
    small = f"--mount=type=tmpfs,destination={LEDGER},tmpfs-size=6m,tmpfs-mode=1777"
    with podman.running(*place.mounted(small), IMAGE) as container:
        container.until(lambda: place.documents() == ["one.md"])
        full = container.ran("sh", "-c", f"cat /dev/zero > {LEDGER}/ballast")
        assert "No space left" in full.stderr
        for number in range(8):
            place.write(f"late-{number}.md")
        container.until(lambda: "KB-L040" in container.log())
        assert container.ran("rm", f"{LEDGER}/ballast").returncode == 0
        container.until(lambda: len(place.documents()) == 9)
        assert container.stop()[0] == 0


def health(container: Container) -> tuple[int, bool]:
    """What the command of the health check ends with, and whether podman calls it healthy."""
    code = container.ran("kbsync", "status", "--running").returncode
    return code, container.podman.tried("healthcheck", "run", container.name).returncode == 0


def test_its_health_is_that_of_the_daemon(podman: Podman, tmp_path: Path) -> None:
    with ExitStack() as server:
        place = server.enter_context(serving(tmp_path))
        mounted = place.mounted()
        names = [f"{number}.md" for number in range(12)]
        with podman.running("--entrypoint=sleep", *mounted, IMAGE, "600") as container:
            assert health(container) == (1, False)
        for name in names:
            place.write(name)
        with podman.running(*mounted, IMAGE) as container:
            container.until(lambda: len(place.documents()) == 12)
            container.until(lambda: health(container) == (0, True))
            for name in names:
                (place.docs / name).unlink()
            container.until(lambda: health(container) == (4, False))
            for name in names:
                place.write(name)
            container.until(lambda: health(container) == (0, True))
            server.close()
            place.write("new.md")
            container.until(lambda: health(container) == (5, False))


# -- the files that run it -----------------------------------------------------------------------


@pytest.fixture
def docker(podman: Podman, tmp_path: Path) -> dict[str, str]:
    """Variables of a shell in which `docker` is podman, and has the image by its usual name."""
    podman("tag", IMAGE, "docker.io/library/kbsync")
    script = tmp_path / "bin" / "docker"
    script.parent.mkdir()
    script.write_text('#!/bin/sh\nexec podman "$@"\n')
    script.chmod(0o755)
    path = f"{script.parent}:{os.environ['PATH']}"
    return {**os.environ, **podman.environment, "PATH": path}


def typed(script: str, folder: Path, variables: dict[str, str]) -> str:
    """Run it as a CI runner does; it has to succeed. Return what it printed."""
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, (script, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_ci_jobs_plan_and_apply(
    place: Place, docker: dict[str, str], podman: Podman, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    (repository / "docs").mkdir(parents=True)
    (repository / "docs" / "one.md").write_text("The fox is quick.\n")
    text = (place.etc / "kbsync.yaml").read_text().replace("/srv/docs", "./docs")
    (repository / "kbsync.yaml").write_text(text)
    workflow = yaml.safe_load((ROOT / "deploy" / "ci" / "github.yaml").read_text("utf-8"))
    plan, apply = (workflow["jobs"][job]["steps"][-1]["run"] for job in ("plan", "apply"))
    variables = {**docker, "DIFY_API_KEY": KEY, "IMAGE": IMAGE}
    assert "one.md" in typed(plan, repository, variables)
    assert place.documents() == []
    typed(apply, repository, variables)
    assert place.documents() == ["one.md"]
    assert place.uploads() == 1
    typed(plan, repository, variables)  # no ledger was kept
    typed(apply, repository, variables)
    assert place.uploads() == 1
    jobs = yaml.safe_load((ROOT / "deploy" / "ci" / "gitlab.yaml").read_text("utf-8"))
    (repository / "docs" / "two.md").write_text("The dog is lazy.\n")
    inside = [*CLOSED, f"--volume={repository}:/build:ro", "--workdir=/build", "--entrypoint=sh"]
    for job in ("plan", "apply"):
        script = "\n".join(jobs[job]["script"])
        podman("run", "--rm", *inside, f"--env-file={place.key}", IMAGE, "-e", "-c", script)
    assert place.documents() == ["one.md", "two.md"]


def test_the_shell_of_the_sidecar_outlives_what_it_runs(podman: Podman, place: Place) -> None:
    documents = yaml.safe_load_all((ROOT / "deploy/kubernetes/sidecar.yaml").read_text("utf-8"))
    (pod,) = [
        each["spec"]["template"]["spec"] for each in documents if each["kind"] == "Deployment"
    ]
    entry, *words = pod["containers"][1]["command"]
    words[-1] = words[-1].replace("sleep 30", "sleep 1")
    place.write("one.md")
    place.configure(", no_such_key: 1")
    with podman.running(f"--entrypoint={entry}", *place.mounted(), IMAGE, *words) as container:
        container.until(lambda: container.log().count("no_such_key") >= 2)
        place.configure()
        container.until(lambda: place.documents() == ["one.md"])
        container.until(lambda: not container.ran("kbsync", "status", "--running").returncode)
        code, took = container.stop()
        assert (code, took < 15) == (0, True), container.log()
        assert '"stopped"' in container.log()


def test_the_commands_of_the_page_run(
    place: Place, docker: dict[str, str], podman: Podman, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    section = page.partition("\n## A container\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"(?:^    .+\n)+", section, re.MULTILINE)
    build, run = map(textwrap.dedent, blocks)
    assert build == "docker build --tag kbsync .\n"
    start, _, rest = run.partition("docker logs")
    place.write("one.md")
    try:
        typed(start, tmp_path, docker)
        container = Container(podman, "kbsync")
        container.until(lambda: place.documents() == ["one.md"])
        assert "Docs" in typed(f"docker logs{rest}", tmp_path, docker)
    finally:
        podman("rm", "--force", "--time", "0", "kbsync")


class Compose:
    """The project of one of the Compose files, in a copy of its folder."""

    def __init__(self, podman: Podman, folder: Path, name: str, project: str) -> None:
        self._podman, self._folder, self._name = podman, folder / "compose", name
        shutil.copytree(ROOT / "deploy" / "compose", self._folder)
        file = self._folder / name
        # Any free port of the machine: what is tested may run there too.
        file.write_text(file.read_text().replace("127.0.0.1:8765:", "127.0.0.1::"))
        variables = f"DIFY_API_KEY={KEY}\nKBSYNC_SERVE_KEY={KEY}\n"
        (self._folder / "kbsync.env").write_text(variables)
        self.docs = folder / "docs"
        self.docs.mkdir()
        self.kbsync = Container(podman, f"{project}_kbsync_1")

    def type(self, *words: str) -> None:
        program = Path(sys.executable).with_name("podman-compose")
        done = subprocess.run(
            [program, "-f", str(self._folder / self._name), *words],
            env={**os.environ, **self._podman.environment, "DOCS": str(self.docs)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def finds(self, word: str) -> bool:
        """Whether a search in the base finds a document."""
        return "one.md" in self.kbsync.ran("kbsync", "search", word).stdout


@needs_networks
def test_compose_runs_with_the_embedded_server(podman: Podman, tmp_path: Path) -> None:
    compose = Compose(podman, tmp_path, "standalone.yaml", "kbsync-standalone")
    (compose.docs / "one.md").write_text("The fox is quick.\n")
    try:
        compose.type("up", "--detach")
        compose.kbsync.until(lambda: compose.finds("fox"))
    finally:
        compose.type("down", "--volumes")


@needs_networks
def test_compose_joins_the_network_of_dify(podman: Podman, tmp_path: Path) -> None:
    """The server that comes with kbsync stands in for Dify's API, by its name and at its port."""
    compose = Compose(podman, tmp_path, "beside-dify.yaml", "kbsync")
    (compose.docs / "one.md").write_text("The fox is quick.\n")
    key = tmp_path / "api.env"
    key.write_text(f"KBSYNC_SERVE_KEY={KEY}\n")
    podman("network", "create", "docker_default")
    named = ["--network=docker_default", "--network-alias=api", f"--env-file={key}"]
    serve = ["serve", "--host=0.0.0.0", "--port=5001", "--allow-remote", f"--data={LEDGER}/k.db"]
    api = podman("run", "--detach", *named, IMAGE, *serve).strip()
    try:
        compose.type("up", "--detach")
        compose.kbsync.until(lambda: compose.finds("fox"))
    finally:
        compose.type("down", "--volumes")
        podman("rm", "--force", "--time", "0", "--volumes", api)
        podman("network", "rm", "docker_default")
