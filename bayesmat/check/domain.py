"""Is a new material like the training ones? Distance in count fingerprints, with a percentile."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat._repr import Shown
from bayesmat.errors import DataError
from bayesmat.models.kernels import MinMax

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
        counts: Distinct training fingerprints, `n x d`.
        own: Sorted distances of each training material to the nearest other one, `n`.
    """

    counts: Tensor
    own: Tensor

    @classmethod
    def of(cls, counts: Tensor) -> Domain:
        """The domain of training fingerprints, `n x d`; repeated rows count once.

        Raises:
            DataError: There are fewer than two distinct fingerprints.
        """
        counts = torch.unique(_counts(counts, "counts"), dim=0)
        if len(counts) < 2:
            raise DataError(
                f"{len(counts)} distinct training material: a domain needs at least two, because "
                "it is judged by how far apart they are."
            )
        similarity = minmax_similarity(counts, counts)
        similarity.fill_diagonal_(-1.0)
        return cls(counts, (1 - similarity.max(1).values).sort().values)

    def distance(self, counts: Tensor) -> Tensor:
        """Distance to the nearest training material, from 0 (same fingerprint) to 1, `n`."""
        parts = [1 - minmax_similarity(c, self.counts).max(1).values for c in counts.split(4096)]
        return torch.cat(parts)

    def percentile(self, counts: Tensor) -> Tensor:
        """Percentage of training materials that are nearer to the others than this one, `n`."""
        below = torch.searchsorted(self.own, self.distance(counts) - 1e-12)
        return 100.0 * below.double() / len(self.own)

    def _facts(self) -> dict[str, object]:
        far = [f"{q:.0%}: {float(self.own.quantile(q)):.2f}" for q in (0.5, 0.95)]
        return {"training materials": len(self.counts), "distance to the nearest other": far}


def _counts(values: Tensor, name: str) -> Tensor:
    counts = torch.as_tensor(values, dtype=torch.float64)
    if counts.ndim != 2 or not bool(((counts >= 0) & torch.isfinite(counts)).all()):
        raise DataError(
            f"{name} of shape {tuple(counts.shape)} is not a matrix of non-negative counts: "
            "similarity is defined for count fingerprints only (ECFP, atom pairs, MACCS)."
        )
    return counts
