"""What a fitted model answers about itself: weighted points, left-out cells, labelled draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from bayesmat.inference.grid import Weighting
from bayesmat.models.left_out import LeftOut

__all__ = ["LeftOutCells", "Parameters", "Points", "scalars"]

MOST_SITES = 20

Labels = tuple[tuple[str, ...], Sequence[str]]


@dataclass(frozen=True, eq=False)
class Points:
    """The points that the posterior of the parameters was integrated with.

    Attributes:
        values: Scalar parameters by name, `N` each.
        log_weights: Normalised log weights, `N`.
        weighting: How the points came by their weights (see `HyperPosterior`).
        standard: The same parameters in units in which the prior of each is N(0, 1), `N x d`, in
            the order of `values`; None where the model knows no such units.
    """

    values: Mapping[str, Tensor]
    log_weights: Tensor
    weighting: Weighting
    standard: Tensor | None = None

    @staticmethod
    def of_draws(draws: Mapping[str, Tensor], n: int) -> Points:
        """Equally weighted draws, `n x ...`."""
        equal = torch.full((n,), 1 / n, dtype=torch.float64).log()
        return Points(scalars(draws), equal, "posterior" if n > 1 else "given")


@dataclass(frozen=True, eq=False)
class LeftOutCells:
    """Every measured cell as each of N points predicts it from the cells of the other units.

    Attributes:
        mean: `N x k`, in model space.
        noise_sd: Sd of the measurement, `N x k`.
        cells: Errors, variances (noise included), log densities and log weight ratios.
    """

    mean: Tensor
    noise_sd: Tensor
    cells: LeftOut

    @property
    def latent_sd(self) -> Tensor:
        """Sd of the latent value, `N x k`."""
        return (self.cells.variance - self.noise_sd.square()).clamp_min(1e-24).sqrt()


@dataclass(frozen=True, eq=False)
class Parameters:
    """Draws of the parameters with the names of their dimensions, for tables and ArviZ.

    Attributes:
        values: Draws by variable, `N x ...`.
        dims: Variable -> names of the dimensions after the draw.
        coords: Coordinate -> (dimensions it lies along, labels).
        chains: Chains that the draws are made of, one after the other.
        stats: Figures of every transition, `N`, where chains have some.
    """

    values: Mapping[str, Tensor]
    dims: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    coords: Mapping[str, Labels] = field(default_factory=dict)
    chains: int = 1
    stats: Mapping[str, Tensor] = field(default_factory=dict)


def scalars(draws: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The first 20 scalars of small sites, `S` each; sites of more than 20 scalars are left out.

    >>> list(scalars({"w": torch.zeros(8, 2), "s": torch.ones(8)}))
    ['w[0]', 'w[1]', 's']
    """
    out: dict[str, Tensor] = {}
    for name, value in draws.items():
        flat = value.reshape(len(value), -1)
        if flat.shape[1] > MOST_SITES:
            continue
        for i in range(flat.shape[1]):
            out[name if flat.shape[1] == 1 else f"{name}[{i}]"] = flat[:, i].double()
    return dict(list(out.items())[:MOST_SITES])
