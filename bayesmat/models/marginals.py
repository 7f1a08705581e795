"""Marginal posteriors of many rows: equal-weight Gaussian mixtures, row by row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat._repr import Shown
from bayesmat.data.observations import Observations
from bayesmat.errors import ModelError

__all__ = ["Marginals", "check_finite_rows", "noise_origins", "pooled_noise"]

_ROWS = 4096
_FAR = 1e10  # standard deviations; the normal has nothing beyond


def pooled_noise(inferred: Tensor, observations: Observations) -> Tensor:
    r"""Noise sd of a new measurement whose own sd is not stated, `S x m`.

    .. math:: \sigma^2_{sp} = \frac1{n_p} \sum_{i:\,\mathrm{cells\ of\ }p} \sigma^2_{ip},
              \quad \sigma_{ip} \text{ stated, else inferred}

    A new measurement is as noisy as those of the table are: the root mean square of the stated sds
    where every cell has one, the inferred sd where none has. No cell informs an inferred sd if all
    are stated, so that it must not be used then.

    Args:
        inferred: Noise sd of cells without a stated one, `S x m`.
        observations: The measured cells in the same space.
    """
    out = inferred.square().clone()
    for j in range(inferred.shape[-1]):
        known = observations.yvar[observations.columns == j]
        stated = known[~known.isnan()]
        if len(stated):
            share = len(stated) / len(known)
            out[:, j] = share * stated.mean() + (1 - share) * out[:, j]
    return out.sqrt()


def noise_origins(observations: Observations) -> list[str]:
    """Per property, where the noise of its cells comes from.

    "stated", "inferred", "stated and inferred", or "prior" where there are no cells. Draws of an
    inferred noise sd are draws from its prior where it is "stated" or "prior".
    """
    unstated = observations.yvar.isnan()
    origins = {(): "prior", (False,): "stated", (True,): "inferred"}
    return [
        origins.get(tuple(set(unstated[observations.columns == j].tolist())), "stated and inferred")
        for j in range(len(observations.properties))
    ]


def check_finite_rows(mean: Tensor) -> None:
    """Refuse predictions `S x ... x q x m` that are not finite, naming their rows of q.

    Raises:
        ModelError: Some are NaN or infinite.
    """
    bad = ~torch.isfinite(mean).all(-1)
    if bad.any():
        rows = sorted(set(torch.nonzero(bad)[:, -1].tolist()))
        more = f" and {len(rows) - 20} more" if len(rows) > 20 else ""
        raise ModelError(
            f"the prediction of rows {rows[:20]}{more} is not finite: their features are NaN or "
            "too large for the kernels. Look at these rows of X, and leave them out."
        )


@dataclass(frozen=True, eq=False, repr=False)
class Marginals(Shown):
    """Per row and property, a mixture of S equally weighted Gaussians in model space.

    Attributes:
        mean: Component means, `S x n x m`.
        variance: Component variances of the latent property, `S x n x m`.
        noise_sd: Noise sd of a measurement for each component, `S x m`, or row by row,
            `S x n x m`.
    """

    mean: Tensor
    variance: Tensor
    noise_sd: Tensor

    @staticmethod
    def join(parts: Sequence[Marginals]) -> Marginals:
        """The rows of all parts, which have the same components and one noise for all rows."""
        mean = torch.cat([part.mean for part in parts], 1)
        variance = torch.cat([part.variance for part in parts], 1)
        return Marginals(mean, variance, parts[0].noise_sd)

    def split(self, rows: int = _ROWS) -> Iterator[Marginals]:
        """Some rows after others, so that what is computed from them on the way stays small."""
        for start in range(0, max(self.mean.shape[1], 1), rows):
            some = slice(start, start + rows)
            noise = self.noise_sd[:, some] if self.noise_sd.dim() == 3 else self.noise_sd
            yield Marginals(self.mean[:, some], self.variance[:, some], noise)

    def component_sd(self, *, observation: bool) -> Tensor:
        """Component standard deviations, `S x n x m`, with or without measurement noise."""
        noise = self.noise_sd if self.noise_sd.dim() == 3 else self.noise_sd[:, None]
        return (self.variance + noise.square()).sqrt() if observation else self.variance.sqrt()

    @property
    def mixture_mean(self) -> Tensor:
        """Mean of the mixture, `n x m`."""
        return self.mean.mean(0)

    def sd(self, *, observation: bool) -> Tensor:
        """Standard deviation of the mixture (law of total variance), `n x m`."""
        within = self.component_sd(observation=observation).square().mean(0)
        between = (self.mean - self.mixture_mean).square().mean(0)
        return (within + between).sqrt()

    def cdf(self, value: Tensor, *, observation: bool = True) -> Tensor:
        """P(property <= value), `n x m`; value broadcasts against `n x m`."""
        z = (value - self.mean) / self.component_sd(observation=observation)
        return torch.special.ndtr(z).mean(0)

    def quantile(self, p: float, *, observation: bool = True) -> Tensor:
        """The p-quantile of the mixture by bisection, `n x m`."""
        sd = self.component_sd(observation=observation)
        z = math.sqrt(2) * float(torch.erfinv(torch.tensor(2 * p - 1, dtype=torch.float64)))
        low, high = (self.mean + z * sd).amin(0), (self.mean + z * sd).amax(0)
        for _ in range(50):
            middle = 0.5 * (low + high)
            below = self.cdf(middle, observation=observation) < p
            low, high = torch.where(below, middle, low), torch.where(below, high, middle)
        return 0.5 * (low + high)

    def log_probability(self, lower: Tensor, upper: Tensor, *, observation: bool = True) -> Tensor:
        r"""Log P(lower <= property <= upper for all m), shape `n`.

        .. math:: \log \frac1S \sum_s \prod_p
                  [\Phi(z^u_{sp}) - \Phi(z^l_{sp})]

        Properties are independent given the component: for correlated properties use the joint
        posterior. Bounds have shape `m` and may be infinite. Accurate far in either tail.
        """

        def of(rows: Marginals) -> Tensor:
            sd = rows.component_sd(observation=observation)
            a, b = (_standardised(bound, rows.mean, sd) for bound in (lower, upper))
            log_p = log_normal_interval(a, b).sum(-1)
            return torch.logsumexp(log_p, 0) - math.log(log_p.shape[0])

        return torch.cat([of(rows) for rows in self.split()])


def _standardised(bound: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """(bound - mean) / sd; an open end is far, not infinite, so that gradients are numbers."""
    closed = torch.isfinite(bound)
    z = (torch.where(closed, bound, 0.0) - mean) / sd
    return torch.where(closed, z, _FAR * torch.sign(bound))


def log_normal_interval(a: Tensor, b: Tensor) -> Tensor:
    """log[Phi(b) - Phi(a)] for a < b, stable in both tails.

    >>> x = log_normal_interval(torch.tensor([30.0]), torch.tensor([31.0]))
    >>> round(float(x), 1)
    -454.3
    """
    flip = a + b > 0
    low, high = torch.where(flip, -b, a), torch.where(flip, -a, b)
    log_high, log_low = torch.special.log_ndtr(high), torch.special.log_ndtr(low)
    gap = torch.nan_to_num(log_low - log_high, nan=-math.inf).clamp(max=-1e-300)
    return log_high + torch.log1p(-torch.exp(gap))
