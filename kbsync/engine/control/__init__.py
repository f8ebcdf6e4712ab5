"""What keeps one mirror in sync while the daemon runs."""
