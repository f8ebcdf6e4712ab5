"""Every version of the server, from the page's fourteen calls on, mirrored by the command."""
