"""Configuration files that are bombs, or that no reader should be led by."""

from __future__ import annotations

from itertools import pairwise

SOUND = (
    "version: 1\nserver: {url: embedded}\n"
    "mirrors: [{knowledge_base: Docs, name: docs, source: ./docs}]\n"
)
HEAD = "version: 1\nserver: {url: embedded}\n"
DECIMAL = "1" + "0" * 4000
HEXADECIMAL = "0x" + "f" * 6000


def laughs(kind: str, levels: int = 9, each: int = 10) -> str:
    """Return nested aliases that grow tenfold a level."""
    names = [f"a{level}" for level in range(levels)]
    first = f"{names[0]}: &{names[0]} " + ("{k: v}" if kind == "merge" else "[lol, lol]")
    lines = [first]
    for below, name in pairwise(names):
        inner = ", ".join([f"*{below}"] * each)
        body = f"{{<<: [{inner}]}}" if kind == "merge" else f"[{inner}]"
        lines.append(f"{name}: &{name} {body}")
    return "\n".join(lines) + "\n"


def chain(length: int) -> str:
    """Return aliases each of which holds the one before: flat to read, deep to build."""
    lines = ["a0: &a0 [x]", *(f"a{n + 1}: &a{n + 1} [*a{n}]" for n in range(length))]
    return "\n".join(lines) + "\n"


def merged_chain(length: int) -> str:
    """Return the same with merge keys."""
    lines = ["a0: &a0 {k: v}", *(f"a{n + 1}: &a{n + 1} {{<<: *a{n}}}" for n in range(length))]
    return "\n".join(lines) + "\n"


def wide_merge(keys: int, times: int) -> str:
    """Return one wide mapping that is merged again and again."""
    pairs = ", ".join(f"k{n}: v" for n in range(keys))
    return f"wide: &wide {{{pairs}}}\nbomb: {{<<: [{', '.join(['*wide'] * times)}]}}\n"


# What is written, and which line the message has to name; None: about the file as a whole.
WRITTEN: dict[str, tuple[bytes, int | None]] = {
    name: (text.encode("utf-8", "surrogatepass"), line)
    for name, (text, line) in {
        "billion laughs": (SOUND + laughs("list"), 4),
        "billion laughs of mappings": (SOUND + laughs("merge"), 4),
        "chain of aliases": (SOUND + chain(3000), 4),
        "chain of merges": (SOUND + merged_chain(3000), 4),
        "wide mapping merged often": (SOUND + wide_merge(9000, 9000), 5),
        "an alias inside itself": (SOUND + "more: &a [*a]\n", 4),
        "a merge inside itself": (SOUND + "more: &a {<<: *a}\n", 4),
        "an alias of nothing": (SOUND + "more: *nowhere\n", 4),
        "deep lists": (SOUND + "more: " + "[" * 100_000, 4),
        "deep mappings": (SOUND + "more: " + "{a: " * 100_000, 4),
        "deep blocks": (SOUND + "more:\n" + "".join(f"{' ' * n}a:\n" for n in range(1, 900)), 35),
        "deep dashes": (SOUND + "more:\n" + "- " * 50_000 + "x", 5),
        "many values": (SOUND + "more: [" + "a," * 400_000 + "]", 4),
        "many keys": (SOUND + "".join(f"k{n}: 1\n" for n in range(80_000)), 19_996),
        "many empty mappings": (SOUND + "more: [" + "{}," * 300_000 + "]", 4),
        "a key written twice": (SOUND + "version: 1\n", 4),
        "keys written twice often": (SOUND + "version: 1\n" * 15_000, 4),
        "a huge whole number": (HEAD.replace("1", DECIMAL, 1), 1),
        "a huge port": (SOUND.replace("embedded", "'http://h:99999999/v1', api_key: k"), 2),
        "a huge duration": (SOUND.replace("docs}", f"docs, settle: {DECIMAL}}}"), 3),
        "a huge hexadecimal duration": (
            SOUND.replace("docs}", f"docs, settle: {HEXADECIMAL}}}"),
            3,
        ),
        "a huge duration as text": (SOUND.replace("docs}", f"docs, settle: '{DECIMAL}d'}}"), 3),
        "a huge count": (SOUND.replace("docs}", f"docs, max_indexing: {HEXADECIMAL}}}"), 3),
        "a huge limit": (
            SOUND.replace("docs}", f"docs, guard: {{removals: {{least: {DECIMAL}}}}}}}"),
            3,
        ),
        "a huge pace": (SOUND.replace("embedded", f"embedded, requests_per_minute: {DECIMAL}"), 2),
        "a huge share": (
            SOUND.replace("docs}", f"docs, guard: {{removals: {{share: {DECIMAL}}}}}}}"),
            3,
        ),
        "a huge binary flag": (SOUND.replace("docs}", f"docs, prune: {HEXADECIMAL}}}"), 3),
        "a huge size": (SOUND.replace("docs}", f"docs, max_file_size: '{DECIMAL}GB'}}"), 3),
        "infinity": (SOUND.replace("docs}", "docs, settle: .inf}"), 3),
        "no number": (SOUND.replace("docs}", "docs, settle: .nan}"), 3),
        "base sixty": (SOUND.replace("docs}", "docs, settle: 1" + ":59" * 100_000 + "}"), 3),
        "a huge name": (SOUND.replace("name: docs", "name: " + "x" * 900_000), 3),
        "a huge key": (SOUND + "? " + "x" * 900_000 + "\n: 1\n", 4),
        "a huge quoted text": (SOUND + 'more: "' + "\\x41" * 240_000 + '"\n', 4),
        "a huge folded text": (SOUND + "more: >\n" + "  a\n\n" * 150_000, 4),
        "a huge comment": (SOUND + "#\n" * 480_000 + "more: 1\n", 480_004),
        "a huge tag": (SOUND + "more: !<" + "x" * 900_000 + "> 1\n", 4),
        "a huge anchor": (SOUND + "more: &" + "x" * 900_000 + " 1\n", 4),
        "many directives": ("%TAG !e! tag:x,2000:\n" * 20_000 + "---\n" + SOUND, 2),
        "many documents": ("--- {}\n" * 100_000, 2),
        "brackets that never close": (SOUND + "more: " + "[a, " * 30, None),
        "a Python object": (SOUND.replace("docs}", "!!python/object/apply:os.system ['id']}"), 3),
        "a Python name": (SOUND + "more: !!python/name:os.system\n", 4),
        "a set": (SOUND + "more: !!set {a, b}\n", 4),
        "pairs": (SOUND + "more: !!omap [a: 1]\n", 4),
        "binary": (SOUND.replace("./docs", "!!binary aGVsbG8="), 3),
        "a date as a key": (SOUND + "2026-01-01: 1\n", 4),
        "a list as a key": (SOUND + "? [a]\n: 1\n", 4),
        "an escape sequence": (SOUND + "more\x1b[31m: 1\n", 4),
        "a quoted escape sequence": (SOUND + '"m\\e[31m\\u202e\\nx": 1\n', 4),
        "a NUL": (SOUND + "more: \0\n", 4),
        "a quoted NUL": (SOUND.replace("./docs", '"a\\0b"'), 3),
        "half a surrogate": (SOUND + "more: \ud800\n", 4),
        "quoted halves of surrogates": (SOUND.replace("./docs", '"\\ud800"'), 3),
        "nothing but blanks": (" \n" * 100_000, None),
        "only a list": ("[]", 1),
        "only a text": ("version", 1),
    }.items()
}
WRITTEN["not UTF-8"] = (SOUND.encode() + b"more: \xff\xfe\n", 4)
WRITTEN["UTF-16"] = (SOUND.encode("utf-16"), 1)
WRITTEN["ten megabytes"] = (b"#" * (10 << 20), None)
WRITTEN["a program"] = (b"\x7fELF\x02\x01\x01" + bytes(4096), 1)
