"""What molecules are scored by, and the memory that keeps every score."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from bayesmat._arguments import checked, names
from bayesmat._counted import counted
from bayesmat._repr import Shown
from bayesmat.errors import DesignError

__all__ = ["LogScore", "MemoScore"]


class LogScore(Protocol):
    """Log score of canonical materials, up to a constant; deterministic.

    Returns shape `n`; -inf marks impossible materials, NaN is an error. A model's
    ``log P(properties in the region)`` is one.
    """

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Score all materials in one call."""
        ...


class MemoScore(Shown):
    """A `LogScore` that asks the inner score once per material, in one batch per call.

    >>> calls = []
    >>> def length(materials):
    ...     calls.append(list(materials))
    ...     return torch.tensor([float(len(m)) for m in materials])
    >>> score = MemoScore(length)
    >>> score(["CC", "O", "CC"]).tolist(), score(["O"]).tolist(), calls
    ([2.0, 1.0, 2.0], [1.0], [['CC', 'O']])
    """

    def __init__(self, score: LogScore) -> None:
        score = checked(score, LogScore, "score")
        self._score = score
        self._memo: dict[str, float] = {}

    @property
    def memo(self) -> Mapping[str, float]:
        """Every material scored so far with its log score, in the order of scoring."""
        return self._memo

    def __call__(self, materials: Sequence[str]) -> Tensor:
        """Scores, shape `n`, float64.

        Raises:
            DesignError: The inner score returned another shape, NaN or +inf.
        """
        materials = names(materials, "materials")
        new = [m for m in dict.fromkeys(materials) if m not in self._memo]
        if new:
            values = self._score(new).detach().to(torch.float64)
            if values.shape != (len(new),):
                raise DesignError(
                    f"the score returned shape {tuple(values.shape)} for {len(new)} materials; "
                    "return one number per material"
                )
            bad = [
                m
                for m, v in zip(new, values.tolist(), strict=True)
                if math.isnan(v) or v == math.inf
            ]
            if bad:
                raise DesignError(
                    f"the log score of {counted(len(bad), 'material')} "
                    "is NaN or +inf, so they cannot be "
                    f"compared: {bad[:10]}; return -inf for impossible materials"
                )
            self._memo.update(zip(new, values.tolist(), strict=True))
        return torch.tensor([self._memo[m] for m in materials], dtype=torch.float64)

    def _facts(self) -> dict[str, object]:
        return {"score": self._score, "scored": len(self._memo)}
