"""Seeds of separate random streams, made from one."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import torch

from bayesmat._arguments import seed_of
from bayesmat._probe import numbers_digest

__all__ = ["spawn", "streams"]


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


@lru_cache(maxsize=1)
def streams() -> str:
    """Hash of what random streams and linear algebra give for a fixed seed, to five digits.

    It changes with a release of torch that would change what a seed draws, not with others.
    """
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(24, generator=generator, dtype=torch.float64)
    uniform = torch.rand(8, generator=generator, dtype=torch.float64)
    sobol = torch.quasirandom.SobolEngine(3, scramble=True, seed=0).draw(4, dtype=torch.float64)
    matrix = normal[:16].reshape(4, 4)
    factor = torch.linalg.cholesky(matrix @ matrix.T + torch.eye(4, dtype=torch.float64))
    return numbers_digest([normal, uniform, sobol, factor])
