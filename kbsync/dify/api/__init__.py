"""The calls of the knowledge API, one file per subject."""
