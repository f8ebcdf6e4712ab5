"""Where fuzzing begins: sound inputs, and those that once were none, for each parser."""

from __future__ import annotations

import json
from pathlib import Path

from . import targets
from .targets import Target

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
CONFIG = b"""version: 1
server: {url: "https://api.dify.ai/v1", api_key: "${KEY}", timeout: 30s, proxy: "http://u:p@h:1"}
ledger: ./state/ledger.db
mirrors:
  - &m {name: docs, source: ./docs, knowledge_base: {name: Docs}, settle: 1s, exclude: ["*.tmp"]}
  - {<<: *m, name: two, source: ./two, prefix: two/, max_file_size: 5MB, prune: false}
"""
DOCUMENT = {
    "id": "22f83db9-93e4-424b-a446-2b01259772f4",
    "name": "a.md",
    "position": 1,
    "data_source_info": {"upload_file_id": "u", "upload_file": {"id": "u", "size": 12}},
    "data_source_detail_dict": {"upload_file": {"id": "u", "size": 12, "extension": "md"}},
    "display_status": "available",
    "indexing_status": "completed",
    "enabled": True,
    "archived": False,
    "word_count": 3,
    "segment_count": 1,
    "error": None,
    "doc_metadata": [{"id": "f", "name": "kbsync_path", "type": "string", "value": "a.md"}],
}
BASE = {"id": DOCUMENT["id"], "name": "Docs", "provider": "vendor", "document_count": 1e3,
        "retrieval_model_dict": {"top_k": 2}, "embedding_available": True}  # fmt: skip
CHUNK = {"id": "c", "content": "words", "position": 1, "keywords": ["a"], "status": "completed",
         "child_chunks": [{"id": "k", "content": "w", "segment_id": "c"}]}  # fmt: skip
REPLIES = [
    {"data": [DOCUMENT], "total": 1, "page": 1, "limit": 100, "has_more": False},
    {"data": [BASE], "total": 1, "has_more": False},
    {"document": DOCUMENT, "batch": "20260101120000123456"},
    {"data": [CHUNK], "total": 1},
    {"id": "f", "indexing_status": "indexing", "completed_segments": 1, "total_segments": 2},
    {"doc_metadata": [{"id": "f", "name": "n", "type": "time", "count": 1}]},
    {"code": "forbidden", "message": "rate limit\nof this", "status": 403},
    {"segment": {**CHUNK, "document": {"name": "a.md"}}, "score": 0.5},
    {"provider": "p", "status": "active", "models": [{"model": "m"}]},
    {"total": 10**400, "data": [], "document_count": 10**300, "score": 1e300},
]
PLAN = {
    "kbsync_plan": 1, "settings": "0" * 64, "digest": "a" * 12, "refresh": True,
    "prune_excluded": False, "target": ["*.md"],
    "mirrors": [{"name": "docs", "digest": "b", "base_id": "c", "actions": [
        {"action": "create", "path": "a.md", "cause": "new", "row": "T9", "size": 1, "mtime_ns": 2},
        {"action": "move", "path": "b.md", "cause": "from c.md", "row": "M", "origin": "c.md"},
    ]}],
}  # fmt: skip

TARGETS = (
    Target(
        "config",
        targets.configuration,
        (
            CONFIG,
            EXAMPLE.read_bytes(),
            b"version: 1\nserver: {url: embedded}\nmirrors: [{name: a, source: b}]\n",
            b"a: &a [x]\nb: &b [*a, *a]\nc: {<<: [*b, *a]}\n",
            b"version: 0x1f\nserver: 190:20:30\nmirrors: !!python/name:os.system\n",
        ),
        (b"*a", b"&a ", b"<<: ", b"!!", b"${KEY}", b"${YAML:-x}", b": ", b"- ", b"{", b"]", b"? ",
         b"0x" + b"f" * 400, b"1" + b"0" * 400, b".inf", b"1e999", b"|\n", b"'", b'"\\u202e"',
         b"servers: ", b"chunking: ", b"guard: ", b"settle: ", b"timeout: ", b"max_in_flight: "),
        ("kbsync/config",),
    ),
    Target(
        "map",
        targets.pairs,
        (b"path,document_id\na.md,22f83db9\n", b'"a ""b"", c.md" , id\n', b"a.md: id\n? b\n: c\n"),
        (b",", b'"', b"\n", b": ", b"? ", b"&a ", b"*a", b"\r", b"\xef\xbb\xbf", b"[", b"{"),
        ("kbsync/config/adopt_map.py",),
    ),
    Target(
        "names",
        targets.names,
        tuple(
            each.encode()
            for each in ("guides/install.md", "a%~2.md", "..∕..∕x", "%E2%88%95%25", "a" * 210,
                         "\u202ea\u0301", "e\u0301/%41\u0301.md", "...", " . ", "K\u212a", "ﬀ.md")
        ),
        ("\u2215".encode(), b"%", b"%~", b"/", b".", b"%E2%88%95", b"\xff", "\u0301".encode(),
         "\u202e".encode(), "🎉".encode(), b" ", b"..", b"a" * 199),
        ("kbsync/planning/document_names.py", "kbsync/source/file_names.py"),
    ),
    Target(
        "wire",
        targets.replies,
        tuple(json.dumps(each).encode() for each in REPLIES),
        (b"null", b"true", b"1e308", b"1e999", b"-1", b"9" * 400, b'"\\u0000"', b'"\\ud800"', b"[]",
         b"{}", b'"id":', b'"data":', b'"total":', b'"document":', b"NaN", b"\\"),
        ("kbsync/dify/schemas.py", "kbsync/dify/reading.py", "kbsync/dify/to_model.py",
         "kbsync/dify/errors.py"),
    ),
    Target(
        "filters",
        targets.filters,
        (b"*.md\n!a.md\n/sub/\na.md", b"**/b\n[[:alpha:]-]*\n\\#x \\ \nb/c", b"a*b?c[!x]**\nabc",
         b"*a*a*a*a*a*a*a*ab\n" + b"a" * 120, b"**/a/**/a/**/a/**/b\n" + b"a/" * 60),
        (b"*", b"**", b"/", b"!", b"[", b"]", b"[!", b"[[:alpha:]]", b"\\", b"?", b"\n", b"#", b" ",
         b"a" * 60, b"*a" * 12),
        ("kbsync/source/gitignore.py", "kbsync/source/gitignore.py"),
    ),
    Target(
        "plans",
        targets.plans,
        (json.dumps(PLAN).encode(), b"{}", b"[]"),
        (b"null", b"1e999", b'"path":', b'"actions":', b"9" * 400, b"[" * 300, b"true"),
        ("kbsync/app/plan_file.py", "kbsync/planning/saved.py"),
    ),
)  # fmt: skip
