"""Mishaps between kbsync and its server, and of this process: what every verb says of each."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mishaps import KEY, VERBS, Mishap, Place
from on_the_way import (
    HTML,
    Answer,
    authority,
    certificate,
    listening,
    reply,
    saying,
    secured,
)
from typing_commands import COMMAND, environment, served
from typing_commands import KEY as SERVED

from kbsync.dify import proxies
from kbsync.engine.workers import throttled_calls

LISTED = '{"data": [], "total": 0, "page": 1, "limit": 100, "has_more": false}'
WELL = saying(reply(200, LISTED, "application/json", "X-Version: 1.10.0"))
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
Happens = Callable[[Place, ExitStack], object]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    for name in (*PROXIES, *map(str.upper, PROXIES), "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    # A read is tried again after a while, and each of these fails the same way then.
    monkeypatch.setattr(throttled_calls, "FIRST_DELAY", 0.0)
    with ExitStack() as stack:
        yield stack


def server(url: str, more: str = "", key: str = KEY) -> str:
    return f'{{url: "{url}", api_key: {key}{more}}}'


def variable(stack: ExitStack, name: str, value: object) -> None:
    patch = pytest.MonkeyPatch()
    patch.setenv(name, str(value))
    stack.callback(patch.undo)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def at(url: str, more: str = "", key: str = KEY) -> Happens:
    """The server's address is `url`."""
    return lambda place, stack: place.configure(server(url, more, key))


def answered(answer: Answer | bytes, url: str = "http://127.0.0.1:{port}/v1") -> Happens:
    """Something else answers at the address."""

    def happens(place: Place, stack: ExitStack) -> None:
        given = saying(answer) if isinstance(answer, bytes) else answer
        place.configure(server(url.format(port=stack.enter_context(listening(given)))))

    return happens


def with_tls(names: str, *dates: str, trusted: bool = True, scheme: str = "https") -> Happens:
    """The server speaks TLS with a certificate for `names`."""

    def happens(place: Place, stack: ExitStack) -> None:
        context = secured(certificate(names, *dates))
        port = stack.enter_context(listening(WELL, context))
        more = f', ca_file: "{authority()[0]}"' if trusted else ""
        place.configure(server(f"{scheme}://127.0.0.1:{port}/v1", more))

    return happens


def wanting_a_certificate(version: ssl.TLSVersion) -> Happens:
    """The server lets only clients with a certificate of their own in."""

    def happens(place: Place, stack: ExitStack) -> None:
        context = secured(certificate("IP:127.0.0.1"))
        context.load_verify_locations(authority()[0])
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = version
        port = stack.enter_context(listening(WELL, context))
        place.configure(server(f"https://127.0.0.1:{port}/v1", f', ca_file: "{authority()[0]}"'))

    return happens


def proxied(name: str, value: str, answer: Answer | None = None) -> Happens:
    """A variable of the environment names a proxy."""

    def happens(place: Place, stack: ExitStack) -> None:
        port = stack.enter_context(listening(answer)) if answer else closed_port()
        place.configure(server("http://127.0.0.1:9/v1"))
        variable(stack, name, value.format(port=port))

    return happens


def trusting(name: str, make: Callable[[Path], Path]) -> Happens:
    """A variable of the environment names where certificate authorities are."""

    def happens(place: Place, stack: ExitStack) -> None:
        port = stack.enter_context(listening(WELL, secured(certificate("IP:127.0.0.1"))))
        place.configure(server(f"https://127.0.0.1:{port}/v1"))
        variable(stack, name, make(place.folder))

    return happens


def empty_file(folder: Path) -> Path:
    (folder / "none.pem").touch()
    return folder / "none.pem"


def empty_folder(folder: Path) -> Path:
    (folder / "authorities").mkdir()
    return folder / "authorities"


def redirect(target: str) -> bytes:
    return reply(301, "", HTML, f"Location: {target}")


def everywhere(said: str) -> dict[str, str]:
    return dict.fromkeys(VERBS, said)


def refused(code: str, exit: int = 5) -> dict[str, str]:
    """What is said of a server that cannot be asked; a daemon goes on and tries again."""
    checked = dict.fromkeys(("validate", "doctor"), f"5 {code}")
    return {**dict.fromkeys(VERBS, f"{exit} {code}"), **checked, "run": f"0 {code}"}


def no_temporary_room(place: Place, stack: ExitStack) -> None:
    """A text has to be written anew, and TMPDIR is on a full disk."""
    disk = place.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], check=True)
    stack.callback(subprocess.run, ["umount", disk], check=True)
    (place.folder / "docs" / "page.md").write_bytes(b"caf\xe9 words and more\n" * 100_000)
    variable(stack, "TMPDIR", disk)
    patch = pytest.MonkeyPatch()
    patch.setattr(tempfile, "tempdir", None)
    stack.callback(patch.undo)


def without_descriptors(place: Place, stack: ExitStack) -> None:
    """Every file but those of the system is beyond the limit of the process."""
    failing(place, stack, errno.EMFILE)


def machine_without_descriptors(place: Place, stack: ExitStack) -> None:
    failing(place, stack, errno.ENFILE)


def without_memory(place: Place, stack: ExitStack) -> None:
    failing(place, stack, errno.ENOMEM)


def failing(place: Place, stack: ExitStack, number: int) -> None:
    """The system opens nothing in the source any more."""
    opened = os.open

    def fails(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None and path == "page.md":
            raise OSError(number, os.strerror(number))
        return opened(path, flags, mode, dir_fd=dir_fd)

    patch = pytest.MonkeyPatch()
    patch.setattr(os, "open", fails)
    stack.callback(patch.undo)


def without_home(place: Place, stack: ExitStack) -> None:
    """The user has neither HOME nor an entry in the system's list."""
    text = place.file.read_text()
    place.file.write_text(text.replace("ledger: ./state/ledger.db\n", ""))
    patch = pytest.MonkeyPatch()
    for name in ("HOME", "XDG_STATE_HOME"):
        patch.delenv(name, raising=False)
    patch.setattr(pwd, "getpwuid", unknown_user)
    stack.callback(patch.undo)


def unknown_user(number: int) -> None:
    raise KeyError(number)


def of_a_file(code: str) -> dict[str, str]:
    """What is said of a file that cannot be read now: a plan does not read what is new."""
    said = {"validate": "0", "doctor": "0", "plan": "2"}
    return {**said, "apply": f"3 {code}", "run": f"0 {code}"}


def without_socks(place: Place, stack: ExitStack) -> None:
    proxied("all_proxy", "socks5://127.0.0.1:{port}")(place, stack)
    patch = pytest.MonkeyPatch()
    patch.setattr(proxies, "find_spec", lambda name: None)
    stack.callback(patch.undo)


def socks_proxy(place: Place, stack: ExitStack) -> None:
    pytest.importorskip("socksio")
    proxied("all_proxy", "socks5://127.0.0.1:{port}")(place, stack)


PAGE = "<!doctype html><html><head><title>Dify</title></head></html>"
LOGIN = "<html><title>Sign in</title><input type=password></html>"
LATER = ("20990101000000Z", "20990201000000Z")
EARLIER = ("20200101000000Z", "20200201000000Z")

MISHAPS = (
    # -- the address
    Mishap(
        name="blank at the end of the address",
        happens=at("http://127.0.0.1:9/v1 "),
        says=everywhere("64 KB-C023"),
        names=("blank", "end"),
    ),
    Mishap(
        name="typographic quote in the address",
        happens=at("http://127.0.0.1:9/v1\u201d"),
        says=everywhere("64 KB-C023"),
        names=("U+201D",),
    ),
    Mishap(
        name="unknown host",
        happens=at("https://knowledge.invalid/v1"),
        says=refused("KB-R027", 1),
        names=("knowledge.invalid",),
    ),
    Mishap(
        name="key of an app",
        happens=at("http://127.0.0.1:9/v1", key="app-0123456789"),
        says=everywhere("64 KB-C163"),
        names=("dataset-",),
    ),
    # -- the port
    Mishap(
        name="nothing listens",
        happens=lambda place, stack: place.configure(
            server(f"http://127.0.0.1:{closed_port()}/v1")
        ),
        says=refused("KB-R025", 1),
        names=("Connection refused",),
    ),
    Mishap(
        name="TLS on a port for plain HTTP",
        happens=answered(WELL, "https://127.0.0.1:{port}/v1"),
        says=refused("KB-R178"),
        names=("write http://127.0.0.1:",),
    ),
    Mishap(
        name="plain HTTP on a port for TLS that hangs up",
        happens=with_tls("IP:127.0.0.1", scheme="http"),
        says=refused("KB-R179"),
        names=("write https://127.0.0.1:",),
    ),
    Mishap(
        name="plain HTTP on a port for TLS that says so",
        happens=answered(reply(400, "<h1>400 The plain HTTP request was sent to HTTPS port</h1>")),
        says=refused("KB-R179"),
        names=("write https://127.0.0.1:",),
    ),
    Mishap(
        name="another service than HTTP",
        happens=answered(b"SSH-2.0-OpenSSH_9.2\r\n"),
        says=refused("KB-R183"),
        names=("does not speak HTTP", "port"),
    ),
    # -- certificates
    Mishap(
        name="certificate of an unknown authority",
        happens=with_tls("IP:127.0.0.1", trusted=False),
        says=refused("KB-R026"),
        names=("server.ca_file",),
    ),
    Mishap(
        name="certificate for another name",
        happens=with_tls("DNS:knowledge.example,DNS:localhost"),
        says=refused("KB-R180"),
        names=("knowledge.example, localhost", "not for 127.0.0.1"),
    ),
    Mishap(
        name="certificate that has expired",
        happens=with_tls("IP:127.0.0.1", *EARLIER),
        says=refused("KB-R181"),
        names=("expired", "renewed"),
    ),
    Mishap(
        name="certificate that is not valid yet",
        happens=with_tls("IP:127.0.0.1", *LATER),
        says=refused("KB-R181"),
        names=("not yet valid", "clock"),
    ),
    Mishap(
        name="SSL_CERT_FILE that is missing",
        happens=trusting("SSL_CERT_FILE", lambda folder: folder / "gone.pem"),
        says={**everywhere("64 KB-R184"), "validate": "5 KB-R184"},
        names=("SSL_CERT_FILE", "gone.pem"),
    ),
    Mishap(
        name="SSL_CERT_FILE that is empty",
        happens=trusting("SSL_CERT_FILE", empty_file),
        says={**everywhere("64 KB-R184"), "validate": "5 KB-R184"},
        names=("SSL_CERT_FILE", "none.pem"),
    ),
    Mishap(
        name="SSL_CERT_DIR without certificates",
        happens=trusting("SSL_CERT_DIR", empty_folder),
        says={**everywhere("64 KB-R184"), "validate": "5 KB-R184"},
        names=("SSL_CERT_DIR", "rehash"),
    ),
    *(
        Mishap(
            name=f"server that wants a client's certificate ({version.name})",
            happens=wanting_a_certificate(version),
            says=refused("KB-R026"),
            names=("certificate of the client", "kbsync shows none"),
        )
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    ),
    Mishap(
        name="page of a gateway that wants a client's certificate",
        happens=answered(reply(400, "<title>400 No required SSL certificate was sent</title>")),
        says=refused("KB-R182"),
        names=("No required SSL certificate was sent",),
    ),
    # -- proxies
    Mishap(
        name="proxy that is dead",
        happens=proxied("http_proxy", "http://u:hidden-word@127.0.0.1:{port}"),
        says=refused("KB-R175", 1),
        names=("http_proxy", "NO_PROXY", "Connection refused"),
    ),
    Mishap(
        name="proxy of an unknown kind",
        happens=proxied("ALL_PROXY", "socks://127.0.0.1:{port}"),
        says={**everywhere("64 KB-R176"), "validate": "5 KB-R176"},
        names=("ALL_PROXY", "socks5://"),
    ),
    Mishap(
        name="SOCKS proxy without the package for it",
        happens=without_socks,
        says={**everywhere("64 KB-R177"), "validate": "5 KB-R177"},
        names=("all_proxy", "-m pip install 'socksio<"),
    ),
    Mishap(
        name="SOCKS proxy that is dead",
        happens=socks_proxy,
        says=refused("KB-R175", 1),
        names=("all_proxy",),
    ),
    Mishap(
        name="proxy that wants a password",
        happens=proxied("http_proxy", "127.0.0.1:{port}", saying(reply(407, "no"))),
        says=refused("KB-R029"),
        names=("http_proxy", "407"),
    ),
    Mishap(
        name="proxy whose own server is away",
        happens=proxied("http_proxy", "http://127.0.0.1:{port}", saying(reply(503, PAGE))),
        says=refused("KB-R175", 1),
        names=("http_proxy", "503"),
    ),
    # -- what stands in front of the server
    Mishap(
        name="page of a web interface",
        happens=answered(reply(200, PAGE)),
        says=refused("KB-R022", 1),
        names=("Dify", "server.url"),
    ),
    Mishap(
        name="page of a login",
        happens=answered(reply(200, LOGIN)),
        says=refused("KB-R182"),
        names=("Sign in", "server.headers"),
    ),
    Mishap(
        name="gateway with basic authentication",
        happens=answered(reply(401, LOGIN, HTML, 'WWW-Authenticate: Basic realm="intranet"')),
        says=refused("KB-R182"),
        names=("Basic for intranet", "server.headers"),
    ),
    Mishap(
        name="gateway that refuses",
        happens=answered(reply(403, "<title>Just a moment...</title>", HTML, "Server: cloudflare")),
        says=refused("KB-R182"),
        names=("cloudflare", "server.headers"),
    ),
    Mishap(
        name="redirect to a login",
        happens=answered(redirect("https://login.example/authorize?rd=secret-word")),
        says=refused("KB-R182"),
        names=("https://login.example/authorize", "server.headers"),
    ),
    Mishap(
        name="redirect to TLS",
        happens=answered(redirect("https://knowledge.example/v1/datasets")),
        says=refused("KB-R005"),
        names=("write https://knowledge.example/v1 as server.url",),
    ),
    # -- this process and its machine
    Mishap(
        name="temporary folder that is full",
        happens=no_temporary_room,
        says={**of_a_file("KB-M178"), "doctor": "0 KB-M180"},
        names=("TMPDIR", "disk"),
    ),
    Mishap(
        name="no more descriptors",
        happens=without_descriptors,
        says=of_a_file("KB-M175"),
        names=("ulimit -n",),
    ),
    Mishap(
        name="no more descriptors on the whole machine",
        happens=machine_without_descriptors,
        says=of_a_file("KB-M176"),
        names=("fs.file-max",),
    ),
    Mishap(
        name="no more memory",
        happens=without_memory,
        says=of_a_file("KB-M177"),
        names=("ENOMEM",),
    ),
    Mishap(
        name="no home",
        happens=without_home,
        says=everywhere("64 KB-M179"),
        names=("HOME", "ledger"),
    ),
)


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: mishap.name)
def test_a_mishap(mishap: Mishap, tmp_path: Path, stack: ExitStack) -> None:
    place = Place(tmp_path)
    mishap.check(place, stack)
    said = "".join(place.heard.values())
    assert KEY not in said
    assert "hidden-word" not in said
    assert "secret-word" not in said


def limited(limit: str, place: Place) -> subprocess.CompletedProcess[str]:
    """Type `apply` after a limit of the shell."""
    words = ["bash", "-c", f'{limit}; exec "$0" -c "$1" apply', str(COMMAND), str(place.file)]
    return subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("most", [8, 14])
def test_a_process_that_may_open_few_files(most: int, tmp_path: Path) -> None:
    """Wherever it ends for that, it says so."""
    done = limited(f"ulimit -n {most}", Place(tmp_path))
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or "KB-M175" in done.stderr + done.stdout


@pytest.mark.parametrize("kibibytes", [60_000, 90_000, 120_000, 150_000, 180_000])
def test_a_process_that_may_take_little_memory(kibibytes: int, tmp_path: Path) -> None:
    """Wherever it ends for that, it says so."""
    place = Place(tmp_path)
    (place.folder / "docs" / "old.txt").write_bytes(b"caf\xe9 words and more\n" * 200_000)
    with served(tmp_path) as url:
        place.configure(server(url, key=SERVED))
        done = limited(f"ulimit -v {kibibytes}", place)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or "KB-M" in done.stderr + done.stdout
