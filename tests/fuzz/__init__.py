"""The parsers of kbsync, fed with what nobody wrote for them."""
