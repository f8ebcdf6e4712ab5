"""The image, built from the Dockerfile and run by podman as `docker run` would run it.

What really happens: mmdebstrap makes a base image of Debian's packages, since no registry of images
is asked; podman builds the Dockerfile upon it; runc starts what was built in namespaces of its own,
with the user, the capabilities, the seccomp filter, the mounts and the read-only root that were
asked for. The network is the machine's own, so that a container reaches a server on loopback, but
for Compose, whose services are in a network of their own.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUITE, BASE, IMAGE = "bookworm", "localhost/base", "localhost/kbsync"
NEEDED = {"podman": "podman", "runc": "runc", "mmdebstrap": "mmdebstrap"}
# What Docker's own slim images leave out.
LEFT_OUT = ("doc", "info", "lintian", "locale", "man")
# As closed as the page and the files of deploy/ run it, and without a /tmp: nothing can be written
# but the volume.
CLOSED = (
    *("--read-only", "--read-only-tmpfs=false", "--cap-drop", "all"),
    *("--security-opt", "no-new-privileges", "--network", "host"),
)


@dataclass(frozen=True)
class Podman:
    """podman with images, containers and volumes in a folder of its own.

    Args:
        folder: where; nothing else knows of it.
    """

    folder: Path
    driver: str = "overlay"
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "tmp").mkdir()
        containers = self.folder / "containers.conf"
        containers.write_text(
            "[containers]\nlog_driver = 'k8s-file'\nnetns = 'host'\n"
            f"default_ulimits = ['nofile={_files()}', 'nproc=4096:4096']\n"
            f"[network]\nnetwork_config_dir = '{self.folder}/networks'\n"
            "[engine]\nruntime = 'runc'\ncgroup_manager = 'cgroupfs'\nevents_logger = 'file'\n"
        )
        storage = self.folder / "storage.conf"
        storage.write_text(
            f"[storage]\ndriver = '{self.driver}'\n"
            f"graphroot = '{self.folder}/images'\nrunroot = '{self.folder}/running'\n"
        )
        self.environment.update(
            CONTAINERS_CONF=str(containers),
            CONTAINERS_STORAGE_CONF=str(storage),
            # Without systemd no timer can be made for health checks: they are asked for here.
            DISABLE_HC_SYSTEMD="true",
            TMPDIR=str(self.folder / "tmp"),
        )

    def tried(self, *words: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Return how it ended, and what it printed."""
        return subprocess.run(
            ["podman", *words],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def __call__(self, *words: str, seconds: float = 60) -> str:
        """Return what it printed on standard output; it has to succeed."""
        done = self.tried(*words, seconds=seconds)
        assert done.returncode == 0, (words, done.returncode, done.stdout, done.stderr[-4000:])
        return done.stdout

    def build(self, tag: str, **arguments: str) -> None:
        """Build the Dockerfile upon the base, with what this machine's pip is set to."""
        words = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        if index := os.environ.get("PIP_INDEX_URL"):
            words.append(f"--build-arg=PIP_INDEX_URL={index}")
        if certificates := os.environ.get("PIP_CERT"):
            words += [f"--volume={certificates}:/pip.crt:ro", "--build-arg=PIP_CERT=/pip.crt"]
        words += ["--format=docker", "--isolation=chroot", f"--build-arg=BASE={BASE}"]
        self("build", "--quiet", *words, f"--tag={tag}", ".", seconds=800)

    @contextmanager
    def running(self, *words: str) -> Iterator[Container]:
        """Start a container; it is removed in the end, with what it alone has.

        Args:
            words: options, the image, and what it is to do.
        """
        name = self("run", "--detach", *CLOSED, *words).strip()
        try:
            yield Container(self, name)
        finally:
            self("rm", "--force", "--time", "0", "--volumes", name)


@dataclass(frozen=True)
class Container:
    """A container that was started."""

    podman: Podman
    name: str

    def log(self) -> str:
        """What it printed, on both streams."""
        done = self.podman.tried("logs", self.name)
        return done.stdout + done.stderr

    def ran(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        return self.podman.tried("exec", self.name, *words)

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Return once it holds."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.log()
            time.sleep(0.2)

    def stop(self) -> tuple[int, float]:
        """Stop it as `docker stop` does; return its exit code and the seconds it took."""
        begun = time.monotonic()
        self.podman("stop", "--time", "40", self.name)
        took = time.monotonic() - begun
        return int(self.podman("inspect", "--format", "{{.State.ExitCode}}", self.name)), took


def _files() -> str:
    """The limit of open files that may be asked for: no higher than this process's own."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = 1024 if most == resource.RLIM_INFINITY else min(most, 1024)
    return f"{limit}:{limit}"


def _base(folder: Path) -> Path:
    """Make the tree of a small Debian; return the archive it is in."""
    archive = folder / "base.tar"
    options = [f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in LEFT_OUT]
    options += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
    made = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=apt", *options, SUITE, str(archive)],
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no base image can be made here: {made.stderr.strip().splitlines()[-1]}")
    return archive


def _require_containers(folder: Path) -> str:
    """Skip where containers cannot be run; return the driver of podman's storage."""
    missing = sorted({package for name, package in NEEDED.items() if not shutil.which(name)})
    if missing:
        pytest.skip(f"containers are not run here: apt-get install {' '.join(missing)} (Debian)")
    if os.geteuid() != 0:
        pytest.skip("containers are run here by root alone")
    for name in ("lower", "upper", "work", "merged"):
        (folder / name).mkdir()
    layers = "lowerdir=lower,upperdir=upper,workdir=work"
    if _mounts(folder, "mount", "-t", "overlay", "none", "-o", layers, "merged"):
        return "overlay"
    if _mounts(folder, "mount", "-t", "tmpfs", "none", "merged"):
        return "vfs"
    pytest.skip("no file system can be mounted here, which containers need")


def _mounts(folder: Path, *words: str) -> bool:
    tried = subprocess.run(
        ["unshare", "--mount", *words], cwd=folder, capture_output=True, check=False
    )
    return tried.returncode == 0


@contextmanager
def image() -> Iterator[Podman]:
    """Build the image; lend the podman that has it as IMAGE, and what it is built upon as BASE."""
    with tempfile.TemporaryDirectory(prefix="kbsync-image-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        podman = Podman(folder, _require_containers(folder))
        archive = _base(folder)
        podman("import", str(archive), BASE)
        archive.unlink()
        started = podman.tried("run", "--rm", *CLOSED, BASE, "true")
        if started.returncode:
            pytest.skip(f"no container starts here: {started.stderr.strip()}")
        podman.build(IMAGE)
        yield podman
