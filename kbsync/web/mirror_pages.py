"""The pages of one mirror: its folders a level at a time, what is in trouble, what is held back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from kbsync.lazy_dataclass import dataclass
from kbsync.ledger.folder_rows import KeyRow
from kbsync.messages import Notice, verb
from kbsync.service.supervisor import SupervisedMirror
from kbsync.web.folder_counts import ORDER, FolderTree, kind_of, parent, shown
from kbsync.web.rendering import url
from kbsync.web.site import Site, asked, asked_number

# Folders, and files, of one answer.
A_PAGE = 200
# States that a document has; a key may be unmet or held, or a call under way, beside its state.
DOCUMENTS = frozenset(ORDER) - {"unmet", "held", "pending"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRow:
    """One folder of a level: its key path, its name and what is in it and below."""

    path: str
    name: str
    total: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One file: its key path, its name, its state, and why it is in that.

    Args:
        command: what to type to see all that is known of it.
        again: whether it can be tried again.
    """

    path: str
    name: str
    kind: str
    code: str
    why: str
    command: str
    again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """The folders and files directly in one folder, as far as one answer goes.

    Args:
        more: where the rest of it begins; empty when this is all.
    """

    mirror: str
    folder: str
    folders: tuple[FolderRow, ...]
    files: tuple[FileRow, ...]
    more: str


async def mirror_page(site: Site, request: Request) -> Response:
    """Answer with a mirror and one level of its folders."""
    mirror = site.mirror(request)
    name = mirror.declared.name
    level, documents = await _level_of(site, mirror, request)
    return site.page(
        request,
        "mirror.html",
        card=await site.live.card(mirror, documents),
        name=name,
        level=level,
        trail=_trail(level.folder),
        paused=mirror.paused,
        given=site.commands.of(name),
    )


async def level_part(site: Site, request: Request) -> Response:
    """Answer with one level alone, to be put into the page."""
    level, _ = await _level_of(site, site.mirror(request), request)
    return site.page(request, "_level.html", level=level)


async def trouble_page(site: Site, request: Request) -> Response:
    """Answer with what has no up-to-date document, from all folders."""
    mirror = site.mirror(request)
    name, after = mirror.declared.name, asked(request, "after")
    reading = partial(site.rows.in_trouble, name, after=after, limit=A_PAGE + 1)
    rows = await anyio.to_thread.run_sync(reading)
    held = _unmet(mirror)
    known = {row.path for row in rows}
    last = rows[-1].path if len(rows) > A_PAGE else None
    rows += [
        KeyRow(path, "held", why.code, why.text, False)
        for path, why in held.items()
        if path not in known and path > after and (last is None or path < last)
    ]
    rows.sort(key=lambda row: row.path)
    files = tuple(_file(name, row, held.get(row.path), row.path) for row in rows[:A_PAGE])
    more = url("mirrors", name, "trouble", after=files[-1].path) if len(rows) > A_PAGE else ""
    return site.page(request, "trouble.html", name=name, files=files, more=more, after=after)


async def halt_page(site: Site, request: Request) -> Response:
    """Answer with exactly the changes that the guard holds back."""
    mirror = site.mirror(request)
    name, start = mirror.declared.name, asked_number(request, "from") or 0
    held = mirror.controller.held if mirror.controller else None
    paths = await anyio.to_thread.run_sync(_sorted_paths, held) if held else []
    end = start + A_PAGE
    return site.page(
        request,
        "halt.html",
        name=name,
        held=held,
        number=len(paths),
        start=start,
        paths=paths[start:end],
        more=url("mirrors", name, "halt", **{"from": end}) if end < len(paths) else "",
        given=site.commands.of(name),
    )


def _sorted_paths(held: object) -> list[str]:
    return sorted(key.path for key in held.keys)  # type: ignore[attr-defined]


# -- one level -----------------------------------------------------------------------------------


async def _level_of(
    site: Site, mirror: SupervisedMirror, request: Request
) -> tuple[Level, Mapping[str, int]]:
    """Return the level that a request asks for, and what is counted in the whole mirror."""
    folder, after = asked(request, "folder").rstrip("/"), asked(request, "after")
    start = asked_number(request, "from") or 0
    unmet = _unmet(mirror)

    def read() -> tuple[Level, Mapping[str, int]]:
        tree = site.folders.tree(mirror.declared.name, unmet)
        level = _level(site, tree, mirror, folder, unmet, start=start, after=after)
        return level, tree.totals[""]

    return await anyio.to_thread.run_sync(read)


def _level(
    site: Site,
    tree: FolderTree,
    mirror: SupervisedMirror,
    folder: str,
    unmet: Mapping[str, Notice],
    *,
    start: int,
    after: str,
) -> Level:
    """Return a level from a folder's number, or from a file's path, on. Blocks."""
    name = mirror.declared.name
    below = [] if after else tree.children.get(folder, [])
    folders = tuple(_folder(tree, each) for each in below[start : start + A_PAGE])
    here = partial(url, "mirrors", name, folder=folder)
    if start + A_PAGE < len(below):
        more = here(**{"from": start + A_PAGE})
        return Level(mirror=name, folder=folder, folders=folders, files=(), more=more)
    rows = _rows(site, tree, name, folder, after)
    rows = sorted([*rows, *_held_alone(unmet, folder, rows, after)], key=lambda row: row.path)
    files = tuple(
        _file(name, row, unmet.get(row.path), _name_in(row.path)) for row in rows[:A_PAGE]
    )
    more = here(after=files[-1].path) if len(rows) > A_PAGE else ""
    return Level(mirror=name, folder=folder, folders=folders, files=files, more=more)


def _rows(site: Site, tree: FolderTree, mirror: str, folder: str, after: str) -> list[KeyRow]:
    # To find no file the database would look at all that is below.
    if not tree.direct.get(folder):
        return []
    prefix = f"{folder}/" if folder else ""
    return site.rows.in_folder(mirror, prefix, after=after, limit=A_PAGE + 1)


def _held_alone(
    unmet: Mapping[str, Notice], folder: str, rows: list[KeyRow], after: str
) -> Iterator[KeyRow]:
    """Yield what is directly in a folder, is held, and has nothing in the ledger."""
    known, last = {row.path for row in rows}, rows[-1].path if len(rows) > A_PAGE else None
    for path, why in unmet.items():
        if path in known or path <= after or parent(path) != folder:
            continue
        if last is None or path < last:
            yield KeyRow(path, "held", why.code, why.text, False)


def _unmet(mirror: SupervisedMirror) -> Mapping[str, Notice]:
    """Return by path why keys are not what they should be, as the engine knows it."""
    unmet = mirror.controller.unmet if mirror.controller else {}
    return {key.path: why for key, why in unmet.items()}


def _folder(tree: FolderTree, path: str) -> FolderRow:
    counts = tree.totals[path]
    total = sum(number for kind, number in counts.items() if kind in DOCUMENTS)
    return FolderRow(path=path, name=_name_in(path), total=total, counts=shown(counts))


def _file(mirror: str, row: KeyRow, unmet: Notice | None, name: str) -> FileRow:
    kind, code, why = kind_of(row), row.code, row.text
    if unmet is not None and not code:
        kind, code, why = "held", unmet.code, unmet.text
    explaining = verb("explain --mirror {mirror} -- {path}").line(mirror=mirror, path=row.path)
    return FileRow(
        path=row.path,
        name=name,
        kind=kind,
        code=code,
        why=why,
        command=explaining,
        again=kind in ("failed", "unfindable"),
    )


def _name_in(path: str) -> str:
    """Return the last component of a key path as it is shown."""
    return path.rpartition("/")[2]


def _trail(folder: str) -> list[tuple[str, str]]:
    """Return the folders on the way to one, each with its name, the root left out."""
    found: list[tuple[str, str]] = []
    while folder:
        found.append((folder, _name_in(folder)))
        folder = parent(folder)
    return found[::-1]
