"""The engine: plan once, apply once, keep going. Knows Protocols (ports), no server, no disk."""
