"""Inputs drawn by Hypothesis: a seed, cut and mixed with the words of its kind."""

from __future__ import annotations

from hypothesis import strategies as st

from .targets import Target

LONGEST = 4096


def inputs(target: Target) -> st.SearchStrategy[bytes]:
    """Return what to feed `target` with."""
    piece = st.sampled_from(target.words) | st.binary(max_size=8) | st.sampled_from(target.seeds)
    change = st.tuples(st.integers(0, LONGEST), st.integers(0, 40), piece)
    mutated = st.builds(_mutated, st.sampled_from(target.seeds), st.lists(change, max_size=6))
    return mutated | st.lists(piece, max_size=20).map(b"".join)


def _mutated(seed: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Replace some bytes, at most forty, at each place by a piece."""
    data = bytearray(seed)
    for place, length, piece in changes:
        start = place % (len(data) + 1)
        data[start : start + length] = piece
    return bytes(data[:LONGEST])
