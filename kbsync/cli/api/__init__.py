"""The knowledge API by hand: tables of calls, and the one way all of them are made and shown."""
