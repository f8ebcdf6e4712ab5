"""The remote: the only room that knows Dify's words (docs/dify-api.md).

`access` says where the server is, `client` has every call of its knowledge API, `http` sends one
and reads the reply as one of `schemas`, `errors` turns everything else that comes back into an
`Outcome`, and `remote` is the engine's port over the client.
"""
