"""A knowledge base as a folder of files that a mirror can take over (docs/design.md section 7)."""
