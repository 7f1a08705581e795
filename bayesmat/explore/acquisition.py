r"""Acquisition functions for target regions, as BoTorch acquisition functions.

Use them where candidates are points of a continuous space (compositions, process variables), with
`optimize_acqf`; campaigns choose rows of a pool by the rules of `bayesmat.explore.select`, which
share the formulas. All work in model space, on models whose posterior is Gaussian or an
equal-weight mixture, and on one candidate at a time: `X` has shape `batch_shape x 1 x D`, the value
`batch_shape`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Self

import torch
from botorch.acquisition import AcquisitionFunction
from botorch.posteriors import GPyTorchPosterior
from botorch.utils.transforms import t_batch_mode_transform
from torch import Tensor
from typing_extensions import override

from bayesmat.errors import ModelError
from bayesmat.explore.goals import Goal, goals_of
from bayesmat.explore.region import Region, region_of
from bayesmat.models.base import Fitted
from bayesmat.models.marginals import Marginals
from bayesmat.models.model import PropertyModel

__all__ = [
    "ExpectedDistance",
    "RegionProbability",
    "SpacierValue",
    "expected_squared_distance",
]


class RegionAcquisition(AcquisitionFunction):
    """What the acquisition functions of a region share: marginals of single candidates."""

    def __init__(self, model: PropertyModel, region: Region) -> None:
        """`model` has the properties that `region` bounds, in the same order."""
        super().__init__(model=model)
        self.property_model = model
        self.region = region

    @classmethod
    def for_goals(cls, fitted: Fitted, goals: Sequence[Goal]) -> Self:
        """The acquisition function of a fit for goals in physical units.

        Raises:
            ModelError: No goal has a bound, or they contradict each other.
        """
        region = region_of(goals_of(goals), fitted.table.property_names, fitted.scales)
        if not bool(region.bounded.any()):
            raise ModelError(
                f"{cls.__name__} values a region, and the goals have no bound: give Within, "
                "AtLeast or AtMost; for an extreme use BoTorch's qLogExpectedImprovement."
            )
        return cls(fitted.model, region)

    def marginals(self, X: Tensor) -> Marginals:
        """Component means and variances of `batch_shape x 1 x D` candidates, with gradients."""
        posterior = self.property_model.posterior(X)
        if not isinstance(posterior, GPyTorchPosterior):
            raise ModelError(
                f"{type(self).__name__} wants a Gaussian posterior or a mixture of them, the model "
                f"gives {type(posterior).__name__}: use a Monte Carlo acquisition of BoTorch."
            )
        mean, variance = posterior.mean, posterior.variance
        if mean.dim() == X.dim():  # one Gaussian: S = 1
            mean, variance = mean.unsqueeze(-3), variance.unsqueeze(-3)
        s, m = mean.shape[-3], mean.shape[-1]
        flat = (mean.reshape(-1, s, m).transpose(0, 1), variance.reshape(-1, s, m).transpose(0, 1))
        return Marginals(flat[0], flat[1], self.property_model.noise_sd)


class RegionProbability(RegionAcquisition):
    r"""log P(y in U | data): the probability that a measurement meets the goals.

    .. math:: \log \frac1S \sum_s \prod_p [\Phi(z^u_{sp}) - \Phi(z^l_{sp})]

    The greedy choice when every hit counts the same; it rewards a wide interval far from U over a
    narrow one beside it, so it gambles in the first rounds.
    """

    @override
    @t_batch_mode_transform(expected_q=1)  # type: ignore[arg-type]
    def forward(self, X: Tensor) -> Tensor:
        """Values of `batch_shape x 1 x D` candidates."""
        value = self.marginals(X).log_probability(self.region.lower, self.region.upper)
        return value.reshape(X.shape[:-2])


class ExpectedDistance(RegionAcquisition):
    r"""-E[dist(y, U)^2 | data]: the expected squared distance of a measurement to the region.

    In closed form, with :math:`d` the distance of the mean outside one side and
    :math:`E[\max(0, X)^2] = (d^2+s^2)\Phi(d/s) + d s \phi(d/s)` for X ~ N(d, s^2). Unlike the
    plug-in distance it pays for uncertainty, and unlike the probability it does not gamble.
    """

    @override
    @t_batch_mode_transform(expected_q=1)  # type: ignore[arg-type]
    def forward(self, X: Tensor) -> Tensor:
        """Values of `batch_shape x 1 x D` candidates."""
        return -expected_squared_distance(self.marginals(X), self.region).reshape(X.shape[:-2])


class SpacierValue(RegionAcquisition):
    r"""The SPACIER rule for one temporary target Y*, literal or with expected loss.

    .. math:: A(S, Y^*) = -\|Y^* - \hat f(S)\|^2 - \sigma(S) - \lambda \inf_{Y\in U}\|Y^*-Y\|^2

    Every term is in units of the prior standard deviation (model space). With `expected` the first
    two become :math:`-E\|Y^* - f\|^2 = -\|Y^*-\mu\|^2 - \sigma^2`. Minus sigma makes it a trust
    region: it extrapolates in small steps, which suits oracles that must not be surprised.

    Args:
        model: The posterior.
        region: U.
        target: Y*, shape `m`; by default the centre of U.
        sigma_weight: Factor on sigma in the literal form.
        distance_weight: lambda.
        expected: Use the expected loss.

    References:
        Yoshida, The SPACIER algorithm (lecture, 2018); Nanjo et al. 2024, arXiv:2408.05135.
    """

    def __init__(
        self,
        model: PropertyModel,
        region: Region,
        target: Tensor | None = None,
        *,
        sigma_weight: float = 1.0,
        distance_weight: float = 1.0,
        expected: bool = False,
    ) -> None:
        super().__init__(model, region)
        self.target = region.centre if target is None else target
        self.sigma_weight = sigma_weight
        self.distance_weight = distance_weight
        self.expected = expected

    @override
    @t_batch_mode_transform(expected_q=1)  # type: ignore[arg-type]
    def forward(self, X: Tensor) -> Tensor:
        """Values of `batch_shape x 1 x D` candidates."""
        return self.of(self.marginals(X)).reshape(X.shape[:-2])

    def of(self, marginals: Marginals) -> Tensor:
        """Values from marginals, shape `n`."""
        used = self.region.bounded
        target = self.target[used]
        far = self.distance_weight * self.region.distance(torch.nan_to_num(self.target)).square()
        if self.expected:
            mean, sd = (
                marginals.mean[..., used],
                marginals.component_sd(observation=True)[..., used],
            )
            return -((mean - target).square() + sd.square()).sum(-1).mean(0) - far
        sigma = marginals.sd(observation=False)[:, used].square().sum(-1).sqrt()
        miss = (marginals.mixture_mean[:, used] - target).square().sum(-1)
        return -miss - self.sigma_weight * sigma - far


def expected_squared_distance(marginals: Marginals, region: Region) -> Tensor:
    """E[dist(y, U)^2] of each row, shape `n`, averaged over the mixture."""

    def of(rows: Marginals) -> Tensor:
        sd = rows.component_sd(observation=True)
        below = _excess(region.lower - rows.mean, sd)
        above = _excess(rows.mean - region.upper, sd)
        return (below + above).sum(-1).mean(0)

    return torch.cat([of(rows) for rows in marginals.split()])


def _excess(d: Tensor, sd: Tensor) -> Tensor:
    """E[max(0, X)^2] for X ~ N(d, sd^2); 0 where d = -inf."""
    d = torch.where(torch.isinf(d), -30.0 * sd.detach(), d)  # or gradients would be NaN
    z = (d / sd).clamp(min=-30.0)
    d = z * sd
    density = torch.exp(-0.5 * z.square()) / math.sqrt(2 * math.pi)
    return ((d.square() + sd.square()) * torch.special.ndtr(z) + d * sd * density).clamp(min=0.0)
