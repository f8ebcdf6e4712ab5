"""The watch over a source: file system events, and what stands in for them where none come."""
