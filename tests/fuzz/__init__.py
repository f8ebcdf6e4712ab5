"""The parsers of kbsync, fed with inputs that were not written for them."""
