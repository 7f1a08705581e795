"""Seeds of separate random streams, made from one."""

from __future__ import annotations

import hashlib

from bayesmat._arguments import seed_of

__all__ = ["spawn"]


def spawn(seed: int, purpose: str) -> int:
    """A seed for one purpose of a run, such as its moves.

    Streams that share a seed, or have neighbouring ones, repeat each other: moves that reuse the
    numbers which drew the particles are not independent of them, and a run with seed 1 would
    continue as the run with seed 0 began.

    >>> spawn(0, "moves") == spawn(0, "moves"), spawn(0, "moves") == spawn(1, "moves")
    (True, False)
    """
    digest = hashlib.sha256(f"{seed_of(seed)}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:7], "big")
