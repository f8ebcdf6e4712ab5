"""The remote: the only room that knows Dify's words (docs/dify-api.md).

`access` says where the server is, `client` has every call of its knowledge API, `http` sends one
and reads the reply as one of `schemas`, `errors` turns everything else that comes back into an
`Outcome`, and `remote` is the engine's port over the client.
"""

import sys

# httpx would load its command line, and with it rich and pygments, wherever these are installed:
# that takes as long as the rest of httpx. It takes a module that is None for one that is missing.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
