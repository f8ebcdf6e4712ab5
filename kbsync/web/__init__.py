"""The daemon's own HTTP server: health, metrics and the status page. Of the extra `web`."""
