"""Is a new material like the training ones? Distance to the nearest, with a percentile."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from bayesmat._arguments import array, checked
from bayesmat._repr import Shown
from bayesmat.errors import DataError
from bayesmat.models.base import Fitted
from bayesmat.models.kernels import Kernel, MinMax, Prepared

__all__ = ["Domain", "minmax_similarity"]


def minmax_similarity(a: Tensor, b: Tensor) -> Tensor:
    r"""Similarity of count vectors, $\sum_k \min(a_k, b_k) / \sum_k \max(a_k, b_k)$.

    Tanimoto's coefficient where the counts are 0 and 1. Two empty vectors have similarity 1.

    Args:
        a: Non-negative counts, `n x d`.
        b: Non-negative counts, `m x d`.

    Returns:
        Similarities in [0, 1], `n x m`.

    Raises:
        DataError: Counts are negative or not finite, or the widths differ.

    >>> minmax_similarity(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 2.0]]))
    tensor([[0.3333, 1.0000]], dtype=torch.float64)
    """
    a, b = checked(a, Tensor, "a"), checked(b, Tensor, "b")
    a, b = _counts(a, "a"), _counts(b, "b")
    if a.shape[1] != b.shape[1]:
        raise DataError(
            f"Fingerprints have {a.shape[1]} and {b.shape[1]} columns: they must come from the "
            "same featurizer to be compared."
        )
    kernel = MinMax()
    return kernel.statistic(kernel.prepare(a), a, b)


@dataclass(frozen=True, repr=False)
class Domain(Shown):
    """The training materials as a domain of applicability.

    The distance of a material is one minus its largest similarity to a training material; the
    percentile places it among the distances of each training material to the others. Above
    about 95 the model extrapolates further than it ever did inside its own training set, and its
    intervals rest on the prior; a small distance does not prove the opposite.

    Attributes:
        rows: Distinct training fingerprints or features, `n x d`.
        own: Sorted distances of each training material to the nearest other one, `n`.
        kernel: What compares them.
        prepared: What it read off the training rows.
    """

    rows: Tensor
    own: Tensor
    kernel: Kernel = field(default_factory=MinMax)
    prepared: Prepared = field(default_factory=lambda: Prepared(torch.zeros(0), 1.0))

    @classmethod
    def of(cls, counts: Tensor) -> Domain:
        """The domain of training fingerprints, `n x d`; repeated rows count once.

        Raises:
            DataError: There are fewer than two distinct fingerprints.
        """
        counts = _counts(counts, "counts")
        kernel = MinMax()
        return cls._of(counts, kernel, kernel.prepare(counts))

    @classmethod
    def of_fitted(cls, fitted: Fitted) -> Domain:
        """The domain of a fit, by its own similarity; ask it with `fitted.similarity.columns(X)`.

        Raises:
            DataError: The prior reads no feature, or fewer than two distinct ones.
        """
        fitted = checked(fitted, Fitted, "fitted")
        measure = fitted.similarity
        if measure is None:
            raise DataError("the prior reads no feature, so that its materials have no distance.")
        X = fitted.layout(fitted.table.rows)
        return cls._of(measure.columns(X), measure.kernel, measure.prepared)

    @classmethod
    def _of(cls, rows: Tensor, kernel: Kernel, prepared: Prepared) -> Domain:
        rows = torch.unique(rows, dim=0)
        if len(rows) < 2:
            raise DataError(
                f"{len(rows)} distinct training material: a domain needs at least two, because "
                "it is judged by how far apart they are."
            )
        alike = kernel.value(kernel.statistic(prepared, rows, rows), None)
        alike.fill_diagonal_(-1.0)
        return cls(rows, (1 - alike.max(1).values).sort().values, kernel, prepared)

    def distance(self, rows: Tensor) -> Tensor:
        """Distance to the nearest training material, from 0 (equal) to 1, `n`."""
        rows = checked(rows, Tensor, "rows")
        if isinstance(self.kernel, MinMax):
            rows = _counts(rows, "counts")
        if rows.shape[1] != self.rows.shape[1]:
            raise DataError(
                f"{rows.shape[1]} columns were given, the domain has {self.rows.shape[1]}: they "
                "must come from the same featurizer to be compared."
            )
        parts = [
            1 - self.kernel.value(self.kernel.statistic(self.prepared, r, self.rows), None).amax(1)
            for r in rows.split(4096)
        ]
        return torch.cat(parts)

    def percentile(self, rows: Tensor) -> Tensor:
        """Percentage of training materials that are nearer to the others than this one, `n`."""
        below = torch.searchsorted(self.own, self.distance(rows) - 1e-12)
        return 100.0 * below.double() / len(self.own)

    def _facts(self) -> dict[str, object]:
        far = [f"{q:.0%}: {float(self.own.quantile(q)):.2f}" for q in (0.5, 0.95)]
        return {"training materials": len(self.rows), "distance to the nearest other": far}


def _counts(values: Tensor, name: str) -> Tensor:
    counts = torch.from_numpy(array(values, name))
    if counts.ndim != 2 or not bool(((counts >= 0) & torch.isfinite(counts)).all()):
        raise DataError(
            f"{name} of shape {tuple(counts.shape)} is not a matrix of non-negative counts: "
            "similarity is defined for count fingerprints only (ECFP, atom pairs, MACCS)."
        )
    return counts
