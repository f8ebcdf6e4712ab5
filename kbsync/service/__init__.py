"""The daemon: `apply` kept going for every mirror, asked by verbs over a socket."""
