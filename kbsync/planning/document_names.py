"""Path ↔ document name: what a file is called in the knowledge base (docs/design.md section 5).

A name is the path with ``/`` written as ``∕`` (U+2215) and ``"`` as ``″`` (U+2033): as ``%22`` it
would be a quotation mark again when a server reads it from the upload's header. What a server
refuses, what would not survive the way there, and the three characters that escape, are written
as ``%`` and two hex digits for each byte of their UTF-8. Names never exceed `LONGEST` characters:
a server cuts longer ones at their first dot, where two would become one (docs/dify-api.md
section 4.8).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from itertools import count
from urllib.parse import unquote_to_bytes

from kbsync.model.file_types import extension

LONGEST = 200

_SEEMS = {"/": "\u2215", '"': "\u2033"}
_REFUSED = frozenset("\\:*?<>|")
_OWN = frozenset({"%", *_SEEMS.values()})
_IS = {ord(seems): ch for ch, seems in _SEEMS.items()}
# Invisible characters that re-order or break the text beside them.
STEERING = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_CONTROL = frozenset({"Cc", "Zl", "Zp"})

# Printable ASCII that is written as it is, but for its slashes.
_PLAIN = re.compile(r"(?! )[ !#-$&-)+-9;=@-\[\]-{}~]*")
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,16}")
_ESCAPES = re.compile(r"(?:%[0-9A-F]{2})+")
_CUT = "%~"  # in no name of a whole path: there % comes before hex digits only
_DIGITS = 32


def document_name(path: str, *, prefix: str = "") -> str:
    """Return the name of the document for `path`: the same for one path, and never for two.

    Its extension, by which the server decides the type, is `extension` of the path.

    Args:
        path: POSIX, relative; brought to NFC when it is not.
        prefix: folder put before it, with or without its slash.

    Raises:
        ValueError: the path is empty, or is no text (names on disk that are not UTF-8).
    """
    return next(document_names(path, prefix=prefix))


def document_names(path: str, *, prefix: str = "") -> Iterator[str]:
    """Yield the name of `path`, then without end others for when that one is taken.

    No name of one path is ever one of another's: ``install.md``, ``install%~2.md``, …

    Args:
        path, prefix: as for `document_name`.

    Raises:
        ValueError: as `document_name` does.
    """
    if not path:
        raise ValueError("an empty path has no document name")
    whole = unicodedata.normalize("NFC", _joined(path, prefix))
    if not whole.isascii() and any("\ud800" <= ch <= "\udfff" for ch in whole):
        raise ValueError("a path that is not UTF-8 has no document name")
    yield from (_numbered(whole, number) for number in count(1))


def path_of(name: str, *, prefix: str = "") -> str | None:
    """Return the path a name was made of.

    Args:
        name: any document's name.
        prefix: what the path has to lie in; it is taken off.

    Returns:
        None when `document_name` did not make it, when it was cut, or when it lies elsewhere.
    """
    try:
        whole = _unescaped(name.translate(_IS))
        path = whole.removeprefix(_joined("", prefix) if prefix else "")
        made = document_name(path, prefix=prefix)
    except ValueError:
        return None
    return path if made == name else None


def kept_extension(path: str) -> str:
    """Return the extension a server sees in the document's name, lower case and without its dot.

    Empty for names that begin with their only dot, and for what cannot be a type: anything but
    1 to 16 ASCII letters and digits.
    """
    name = path.rpartition("/")[2]
    stem, _, end = name.rpartition(".")
    return extension(name) if stem.strip(".") and _EXTENSION.fullmatch(end) else ""


def folded(name: str) -> str:
    """Return what two names have in common on a disk that ignores case and normalisation."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def _numbered(whole: str, number: int) -> str:
    ending = len(kept_extension(whole))
    stem, tail = (whole[: -ending - 1], whole[-ending - 1 :]) if ending else (whole, "")
    tag = f"{_CUT}{number}" if number > 1 else ""
    # Without an extension no dot stays: a server would take what follows the last one, perhaps
    # one of a folder's, for the type.
    name = _whole(stem, tail) + tag + tail
    if len(name) <= LONGEST:
        return name
    known_by = f"{whole}\0{number}" if tag else whole
    return _cut(known_by, _units(stem, tail, dots=False), tail)


def _whole(stem: str, tail: str) -> str:
    if tail and _PLAIN.fullmatch(stem):
        return stem.replace("/", _SEEMS["/"])
    return "".join(_units(stem, tail, dots=bool(tail)))


def _joined(path: str, prefix: str) -> str:
    folder = prefix.rstrip("/")
    return f"{folder}/{path}" if folder else path


def _units(stem: str, tail: str, *, dots: bool) -> Iterator[str]:
    """Yield what each character of `stem` is written as; `dots` leaves them as they are."""
    ends = {0} if tail else {0, len(stem) - 1}
    escaped = False
    for position, ch in enumerate(stem):
        # A mark that follows a hex digit would be composed with it by a later normalisation.
        escaped = (
            _must_escape(ch)
            or (ch == "." and not dots)
            or (ch.isspace() and position in ends)
            or (escaped and unicodedata.combining(ch) != 0)
        )
        yield _escape(ch) if escaped else _SEEMS.get(ch, ch)


def _must_escape(ch: str) -> bool:
    if ch in _REFUSED or ch in _OWN or ch in STEERING:
        return True
    return not ch.isprintable() and unicodedata.category(ch) in _CONTROL


def _escape(ch: str) -> str:
    return "".join(f"%{byte:02X}" for byte in ch.encode("utf-8"))


def _cut(known_by: str, units: Iterator[str], tail: str) -> str:
    """Shorten a name: its beginning, a hash of what it is known by, and the extension."""
    digest = hashlib.sha256(known_by.encode("utf-8")).hexdigest()[:_DIGITS]
    room = LONGEST - len(_CUT) - len(digest) - len(tail)
    head = ""
    for unit in units:
        if len(head) + len(unit) > room:
            break
        head += unit
    return head + _CUT + digest + tail


def _unescaped(text: str) -> str:
    """Undo the escapes; those that are not UTF-8 raise ValueError."""
    return _ESCAPES.sub(lambda found: unquote_to_bytes(found[0]).decode("utf-8"), text)
