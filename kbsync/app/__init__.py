"""Composition root: builds source, ledger, remote and reconciler from settings."""
