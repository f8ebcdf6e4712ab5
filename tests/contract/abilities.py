"""What each version can do, by the version it tells: the suite's own table, not kbsync's.

A test that holds for some versions only names what it needs: `@needs(Ability.METADATA)`. On a
version without that it is left out; a test that differs in one line asks `server.can(…)`. The
versions are those of docs/dify-api.md section 18.

Code between two releases tells the one before. What comes with 1.17 was measured on such code,
which tells 1.16.1: a real server that does is asked first which of the two it is (`Server.look`).
"""

from __future__ import annotations

import re
from enum import StrEnum, auto

import pytest

Version = tuple[int, int, int]
OLDEST = (0, 0, 0)  # a server that tells no version is taken for the oldest
NEVER = (99, 0, 0)


class Ability(StrEnum):
    """One thing that some versions do and others do not."""

    ANY_NAME = auto()  # file names with : * ? " < > |
    ANY_PATH = auto()  # file names with / and \
    ASSIGNED_OBJECT = auto()  # a write of metadata answers with an object; a number before
    BRACKETS_KEPT = auto()  # at the start of a chunk
    CHILD_CHUNKS = auto()
    CHUNK_KEEPS_TEXT = auto()  # when changed without one; refused before
    CHUNKS_VALIDATED = auto()  # as a whole, with refusals that have no code
    CHUNK_PAGES = auto()
    DELETE_EMPTY = auto()  # the delete of a document: 204, no body
    DELETE_NUMBER = auto()  # 200, the number 204; an object before both
    DOWNLOAD = auto()
    FILE_SHOWN = auto()  # size and type of a document's file, in rows
    FORMS_KNOWN = auto()  # an unknown doc_form is refused
    FOUND_LISTS = auto()  # what a search record has none of is a list; null before
    GET_BASE = auto()
    GET_CHUNK = auto()
    GET_DOCUMENT = auto()
    HIERARCHICAL = auto()  # documents of parents and children
    GONE_IS_404 = auto()  # in a metadata batch, of which nothing is then stored; 400 before
    HYPHENS = auto()
    KEY_FIRST = auto()  # 401 before 404
    LARGE_IS_413 = auto()  # by create; by update always
    LEAST_ONE_ROW = auto()  # for a limit below 1; twenty before
    MAINTAINER = auto()  # shown of a knowledge base
    MERGE = auto()  # a create of a name that is there writes over it
    MERGE_WHEN_ASKED = auto()  # only with "duplicate": true, and by file
    METADATA = auto()
    METADATA_REFUSED = auto()  # a batch that cannot be written; success before
    MISSING_BASE_404 = auto()  # for uploads and deletes; 400 before
    MISSING_FIELD_REFUSED = auto()  # when renamed; nulls before
    MODELS = auto()
    NAMED_REFUSALS = auto()  # a create says what is wrong with a file's type
    NO_MERGE = auto()  # a create of a name that is there makes a twin
    NO_MARKS_IS_LIST = auto()  # doc_metadata: []; null before
    OWN_BUILT_IN = auto()  # built-in fields are listed below a base
    OWN_CHUNKS = auto()  # a chunk is found through its own document only
    PARTIAL_UPDATE = auto()
    PATCH_DOCUMENT = auto()
    PIPELINES = auto()
    SEARCH = auto()
    SPARED_TEXT = auto()  # blanks of long pieces, the letters ï ¿ ¾
    STATUS_FILTER = auto()
    STRICT_PAGES = auto()  # a page that is no number is refused
    SWITCH = auto()
    TAGS = auto()
    TECHNIQUE_FAULT = auto()  # by text, without a technique: 500
    TEXT_IN_BYTES = auto()  # the size of a text document; characters before
    UPDATE_ENDS = auto()


def since(major: int, minor: int, patch: int) -> list[tuple[Version, Version]]:
    return [((major, minor, patch), NEVER)]


def before(major: int, minor: int, patch: int) -> list[tuple[Version, Version]]:
    return [(OLDEST, (major, minor, patch))]


SPANS = {
    Ability.ANY_NAME: [(OLDEST, (1, 2, 0)), ((1, 13, 1), NEVER)],
    Ability.ANY_PATH: before(1, 2, 0),
    Ability.ASSIGNED_OBJECT: since(1, 8, 1),
    Ability.BRACKETS_KEPT: since(1, 14, 0),
    Ability.CHILD_CHUNKS: since(1, 2, 0),
    Ability.CHUNK_KEEPS_TEXT: since(1, 2, 0),
    Ability.CHUNKS_VALIDATED: since(1, 15, 0),
    Ability.CHUNK_PAGES: since(1, 1, 3),
    Ability.DELETE_EMPTY: [((1, 3, 0), (1, 4, 0)), ((1, 13, 0), NEVER)],
    Ability.DELETE_NUMBER: [((1, 4, 0), (1, 13, 0))],
    Ability.DOWNLOAD: since(1, 13, 1),
    Ability.FILE_SHOWN: since(0, 6, 16),
    Ability.FORMS_KNOWN: since(1, 15, 0),
    Ability.FOUND_LISTS: since(1, 14, 0),
    Ability.GET_BASE: since(1, 2, 0),
    Ability.GET_CHUNK: since(1, 4, 2),
    Ability.GET_DOCUMENT: since(1, 5, 1),
    Ability.GONE_IS_404: since(1, 17, 0),
    Ability.HIERARCHICAL: since(0, 15, 0),
    Ability.HYPHENS: since(0, 11, 0),
    Ability.KEY_FIRST: [(OLDEST, (1, 9, 0)), ((1, 13, 0), NEVER)],
    Ability.LARGE_IS_413: [(OLDEST, (0, 15, 0)), ((1, 17, 0), NEVER)],
    Ability.LEAST_ONE_ROW: since(1, 16, 0),
    Ability.MAINTAINER: since(1, 15, 0),
    Ability.MERGE: since(0, 15, 0),
    Ability.MERGE_WHEN_ASKED: [((0, 6, 5), (0, 15, 0))],
    Ability.METADATA: since(1, 1, 1),
    Ability.METADATA_REFUSED: since(1, 13, 1),
    Ability.MISSING_BASE_404: since(1, 9, 0),
    Ability.MISSING_FIELD_REFUSED: since(1, 15, 0),
    Ability.MODELS: since(1, 2, 0),
    Ability.NAMED_REFUSALS: before(0, 15, 0),
    Ability.NO_MERGE: before(0, 6, 5),
    Ability.NO_MARKS_IS_LIST: since(1, 15, 0),
    Ability.OWN_BUILT_IN: since(1, 9, 0),
    Ability.OWN_CHUNKS: since(1, 16, 0),
    Ability.PARTIAL_UPDATE: since(1, 10, 1),
    Ability.PATCH_DOCUMENT: since(1, 14, 0),
    Ability.PIPELINES: since(1, 13, 0),
    Ability.SEARCH: since(0, 11, 0),
    Ability.SPARED_TEXT: since(1, 16, 1),
    Ability.STATUS_FILTER: since(1, 10, 1),
    Ability.STRICT_PAGES: since(1, 12, 0),
    Ability.SWITCH: since(1, 5, 0),
    Ability.TAGS: since(1, 4, 2),
    Ability.TECHNIQUE_FAULT: [((1, 12, 0), (1, 14, 1))],
    Ability.TEXT_IN_BYTES: since(1, 17, 0),
    Ability.UPDATE_ENDS: [(OLDEST, (1, 12, 0)), ((1, 13, 0), NEVER)],
}


def can(told: str | None, ability: Ability) -> bool:
    """Whether a server of that version has the ability."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", told or "")
    version = (int(found[1]), int(found[2]), int(found[3])) if found else OLDEST
    return any(first <= version < until for first, until in SPANS[ability])


def needs(*abilities: Ability) -> pytest.MarkDecorator:
    """Mark a test that only runs on versions with all these abilities."""
    return pytest.mark.needs(*abilities)
