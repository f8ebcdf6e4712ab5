"""The packages of a release: what is in them, and that they run where only they are."""
