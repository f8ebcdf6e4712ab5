"""The daemon's own HTTP server: is it alive, is it ready, and its metrics. Of the extra `web`."""
