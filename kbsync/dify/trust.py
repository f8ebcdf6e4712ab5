"""Which certificate authorities a server's certificate is checked by, and what names them."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import httpx

from kbsync.dify.access import Access
from kbsync.messages import Problem
from kbsync.messages import remote as messages

_HASHED = re.compile(r"[0-9a-f]{8}\.\d+")


class Authorities(NamedTuple):
    """What certificates are checked by.

    Args:
        context: for TLS.
        remedy: what to do where an authority is not among them.
    """

    context: ssl.SSLContext
    remedy: str = "give the server's certificate authority as server.ca_file"


def trust_of(access: Access, *, needed: bool) -> Authorities:
    """Return what the certificate of the server of `access` is checked by.

    Args:
        access: the server.
        needed: whether there is TLS on the way: to load the usual authorities takes longer than a
            call.

    Raises:
        Problem: what is declared, or named by the environment, has no certificates.
    """
    if not access.verify:
        return Authorities(httpx.create_ssl_context(verify=False))
    if not needed:
        return Authorities(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    if access.ca_file is not None:
        return _declared(access.ca_file)
    if access.environment:
        for variable, load in (("SSL_CERT_FILE", _from_file), ("SSL_CERT_DIR", _from_folder)):
            if path := os.environ.get(variable):
                return _of_the_environment(variable, path, load)
    return Authorities(httpx.create_ssl_context(trust_env=False))


def _declared(path: Path) -> Authorities:
    try:
        context = _from_file(str(path))
    except OSError as fault:
        raise Problem(messages.BAD_CA_FILE(path=path, words=_words(fault))) from fault
    return Authorities(context, "add the server's certificate authority to server.ca_file")


def _of_the_environment(
    variable: str, path: str, load: Callable[[str], ssl.SSLContext]
) -> Authorities:
    try:
        context = load(path)
    except OSError as fault:
        words = {"variable": variable, "path": path, "words": _words(fault)}
        raise Problem(messages.TRUST_VARIABLE(**words)) from fault
    remedy = f"add the server's certificate authority to what {variable} names, or give it as "
    return Authorities(context, f"{remedy}server.ca_file")


def _from_file(path: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=path)


def _from_folder(path: str) -> ssl.SSLContext:
    """Return the authorities in folders whose files are named by a hash; others are not found."""
    folders = [Path(each) for each in path.split(os.pathsep) if each]
    names = [file.name for folder in folders for file in folder.iterdir()]
    if not any(map(_HASHED.fullmatch, names)):
        raise OSError(0, "there is no certificate with the name that `openssl rehash` gives it")
    return ssl.create_default_context(capath=path)


def _words(fault: OSError) -> str:
    if isinstance(fault, ssl.SSLError):
        return "there is no PEM certificate in it"
    return fault.strerror or str(fault)
