"""The parts of a document that is a zip file."""

from __future__ import annotations

import zipfile
from xml.etree import ElementTree as Xml

from kbsync.source.convert.answers import ConversionError, Said

LARGEST_PART = 64 << 20


def part(packed: zipfile.ZipFile, name: str) -> bytes:
    """Return what is in the part `name`.

    Raises:
        ConversionError: it is missing, too large, or needs a password.
    """
    try:
        found = packed.getinfo(name)
    except KeyError:
        raise ConversionError(Said.BROKEN, f"{name} is missing in it") from None
    if found.flag_bits & 1:
        raise ConversionError(Said.LOCKED)
    with packed.open(found) as opened:
        data = opened.read(LARGEST_PART + 1)
    if len(data) > LARGEST_PART:
        raise ConversionError(Said.BROKEN, f"{name} unpacks to more than {LARGEST_PART} bytes")
    return data


def xml(packed: zipfile.ZipFile, name: str) -> Xml.Element:
    """Return the root element of the part `name`.

    Raises:
        ConversionError: as `part`.
        ParseError: it is no XML.
    """
    # Expat bounds what entities grow to and fetches none; memory and time have bounds of their own.
    return Xml.fromstring(part(packed, name))  # noqa: S314
