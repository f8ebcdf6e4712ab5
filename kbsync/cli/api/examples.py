"""What `--help` shows of each call by hand: what is typed behind the group."""

from __future__ import annotations

EXAMPLES: dict[str, dict[str, tuple[str, ...]]] = {
    "kb": {
        "list": ("list", "list --keyword docs --json"),
        "get": ("get Docs",),
        "create": (
            "create Docs --permission all_team_members",
            "create Docs --technique high_quality --embedding-model embed-3 "
            "--embedding-provider openai",
        ),
        "update": ('update Docs --description "How we work"',),
        "delete": ("delete Docs",),
        "retrieve": ('retrieve Docs "two words" --top 5', "retrieve Docs foxes --filter lang=en"),
        "fields": ("fields Docs",),
        "add-field": ("add-field Docs author", "add-field Docs published --type time"),
        "rename-field": ("rename-field Docs author writer",),
        "delete-field": ("delete-field Docs author",),
        "built-in": ("built-in Docs",),
        "show-built-in": ("show-built-in Docs",),
        "hide-built-in": ("hide-built-in Docs",),
        "tags": ("tags", "tags Docs"),
        "add-tag": ("add-tag handbook",),
        "rename-tag": ("rename-tag TAG_ID manual",),
        "delete-tag": ("delete-tag TAG_ID",),
        "bind-tag": ("bind-tag Docs TAG_ID",),
        "unbind-tag": ("unbind-tag Docs TAG_ID",),
        "models": ("models", "models rerank"),
    },
    "docs": {
        "list": ("list Docs --all", "list Docs --status error --json"),
        "get": ("get Docs guide.md",),
        "create-file": ("create-file Docs guide.md --wait 60",),
        "create-text": (
            'create-text Docs note.txt "What is to be found"',
            "create-text Docs note.txt - < note.txt",
        ),
        "update-file": ("update-file Docs guide.md guide.md",),
        "update-text": ('update-text Docs note.txt note.txt "The new text"',),
        "indexing": ("indexing Docs BATCH",),
        "delete": ("delete Docs guide.md",),
        "enable": ("enable Docs guide.md",),
        "disable": ("disable Docs guide.md draft.md",),
        "archive": ("archive Docs guide.md",),
        "un-archive": ("un-archive Docs guide.md",),
        "assign": ("assign Docs guide.md author=Kim lang=en", "assign Docs guide.md author="),
    },
    "chunks": {
        "list": ("list Docs guide.md --all",),
        "add": ('add Docs guide.md "One more chunk" --keyword more',),
        "get": ("get Docs guide.md CHUNK_ID",),
        "update": ('update Docs guide.md CHUNK_ID --text "The new text"',),
        "delete": ("delete Docs guide.md CHUNK_ID",),
        "children": ("children Docs guide.md CHUNK_ID",),
        "add-child": ('add-child Docs guide.md CHUNK_ID "One more"',),
        "update-child": ('update-child Docs guide.md CHUNK_ID CHILD_ID "The new text"',),
        "delete-child": ("delete-child Docs guide.md CHUNK_ID CHILD_ID",),
    },
}
