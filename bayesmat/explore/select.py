"""Rules that choose a batch among candidates, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bayesmat.models.kernels import MinMax

__all__ = ["Selection", "greedy_rows", "similarity"]


@dataclass(frozen=True)
class Selection:
    """Chosen rows of the candidates.

    Attributes:
        rows: Positions among the candidates, best first.
        scores: The rule's value of each.
        trace: JSON-able record of what the rule aimed at.
    """

    rows: tuple[int, ...]
    scores: tuple[float, ...]
    trace: dict[str, Any] = field(default_factory=dict)


def similarity(counts: Tensor) -> Tensor:
    """MinMax similarity among rows of a count fingerprint, shape `n x n`."""
    kernel = MinMax()
    return kernel.statistic(kernel.prepare(counts), counts, counts)


def greedy_rows(scores: Tensor, alike: Tensor, n: int, exclusion: float) -> list[int]:
    """The n best rows, none more similar than `exclusion` to one already taken.

    When the exclusion leaves too few, it is relaxed by steps of 0.1 up to 1: a batch is full.
    """
    order = torch.argsort(scores, descending=True, stable=True).tolist()
    limit = exclusion
    taken: list[int] = []
    while len(taken) < min(n, len(order)):
        for row in order:
            if len(taken) == n:
                break
            if row not in taken and all(float(alike[row, t]) <= limit for t in taken):
                taken.append(row)
        limit += 0.1
    return taken
