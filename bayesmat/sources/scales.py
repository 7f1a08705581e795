"""How source networks scale what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.errors import ModelError

__all__ = ["InputScale", "TargetScale"]

# A column that is a non-negative integer and mostly zero is a hashed count: standardising it
# would turn one rare substructure into an input of dozens of standard deviations.
SPARSE_ZERO_SHARE = 0.9
# Hash cells that almost no source molecule fills teach nothing and double the time.
RARE_SHARE = 0.003


@dataclass(frozen=True, eq=False)
class InputScale:
    """What a network does to its raw input columns before the first layer.

    Sparse counts (hashed fingerprints) become log(1 + count); all other columns are
    standardised. Columns that are constant, or counts filled in fewer than 0.3 % of the rows,
    are not used.

    Attributes:
        keep: Indices of the columns used, `d`.
        log1p: Which of the kept columns are sparse counts, `d` (bool).
        loc: Subtracted, `d`.
        scale: Divided by, `d`.
    """

    keep: Tensor
    log1p: Tensor
    loc: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, X: Tensor) -> InputScale:
        """Learn the scaling from the source population `X` (`n x D`, finite)."""
        nonzero = (X != 0).double().mean(0)
        whole = ((X >= 0) & (X == X.round())).all(0)
        sparse = whole & (nonzero < 1.0 - SPARSE_ZERO_SHARE)
        sd = X.std(0, correction=0)
        used = torch.where(sparse, nonzero >= RARE_SHARE, sd > 1e-12)
        keep = torch.nonzero(used).flatten()
        if not len(keep):
            raise ModelError("every input column is constant: there is nothing to learn from.")
        log1p = sparse[keep]
        loc = torch.where(log1p, 0.0, X[:, keep].mean(0))
        scale = torch.where(log1p, 1.0, sd[keep])
        return cls(keep, log1p, loc.double(), scale.double())

    def part(self, columns: Tensor) -> InputScale:
        """The scale of some of the kept columns."""
        return InputScale(
            self.keep[columns], self.log1p[columns], self.loc[columns], self.scale[columns]
        )

    def __call__(self, X: Tensor) -> Tensor:
        """Scale `... x D` to `... x d`."""
        x = X[..., self.keep]
        x = torch.where(self.log1p, torch.log1p(x.clamp_min(0.0)), x)
        return (x - self.loc) / self.scale


@dataclass(frozen=True, eq=False)
class TargetScale:
    """Mean and standard deviation of the labelled cells of each task, `m` each."""

    loc: Tensor
    scale: Tensor

    @classmethod
    def fit(cls, Y: Tensor) -> TargetScale:
        """Learn from `Y` (`n x m`, NaN = no label); every task needs two different labels."""
        labels = [column[~column.isnan()] for column in Y.T]
        poor = [j for j, y in enumerate(labels) if len(y) < 2 or float(y.std()) == 0.0]
        if poor:
            raise ModelError(
                f"tasks {poor} have fewer than two different labels, so that their scale is "
                "unknown; drop these columns or add labels."
            )
        loc = torch.stack([y.mean() for y in labels])
        return cls(loc, torch.stack([y.std() for y in labels]))

    def part(self, tasks: Sequence[int]) -> TargetScale:
        """The scale of some of the tasks."""
        return TargetScale(self.loc[list(tasks)], self.scale[list(tasks)])
