"""The daemon: a controller for every mirror, and a socket on which verbs hand over commands."""
