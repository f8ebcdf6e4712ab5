"""kbsync measured beside what else would do the work: `make bench`, docs/performance.md."""
