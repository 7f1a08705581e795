"""Covariance functions on feature maps, scaled so that a unit weight means a unit variance.

Distances are sums of squared differences, not |a|^2 + |b|^2 - 2ab: equal rows are at distance 0
exactly, on every processor, and a batch gives what its rows give one by one.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bayesmat._arguments import settle
from bayesmat._bounds import at_least
from bayesmat.errors import ModelError
from bayesmat.sources.embedding import Features

__all__ = ["ARD", "Exchangeable", "Kernel", "Linear", "Matern52", "MinMax", "Prepared", "Term"]


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a kernel read off the training features: a centre (shape `k`) and a scale.

    The scale is one number, or one for each feature (shape `k`). A product has one for each factor.
    """

    centre: Tensor
    scale: float | Tensor
    factors: tuple[Prepared, ...] = ()


class Kernel(Protocol):
    """A covariance function in two steps, so that what needs no hyper-parameter is done once.

    ``statistic`` maps two feature matrices to one matrix (or one per feature); ``value`` maps it to
    the covariance for relative lengthscales `ell` (None for kernels that have none).
    """

    @property
    def name(self) -> str:
        """Short name used in reports."""
        ...

    @property
    def is_ard(self) -> bool:
        """Whether every feature has a lengthscale of its own."""
        ...

    def lengthscales(self, features: Features) -> dict[str, float]:
        """Names of the lengthscales that are hyper-parameters, with the prior sds of their logs."""
        ...

    def prepare(self, phi: Tensor) -> Prepared:
        """Read centre and scale off the training features, shape `n x k`."""
        ...

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """Shape `... x n1 x n2`, with a last dimension for features if `is_ard` or a product."""
        ...

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """The covariance, `... x n1 x n2`, or `S x ... x n1 x n2` for `ell`, `S x lengthscales`."""
        ...

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """Prior variances at unit weight, shape `... x n`."""
        ...


@dataclass(frozen=True)
class MinMax:
    r"""The MinMax (Tanimoto on counts) kernel, :math:`\sum\min(a,b)/\sum\max(a,b)`.

    Use it for count or bit fingerprints; it is positive definite on non-negative vectors
    (Ralaivola et al. 2005, doi:10.1016/j.neunet.2005.07.009). Not for signed features.
    """

    name: ClassVar[str] = "MinMax"
    is_ard: ClassVar[bool] = False

    def lengthscales(self, features: Features) -> dict[str, float]:
        """None."""
        return {}

    def prepare(self, phi: Tensor) -> Prepared:
        """Nothing to read."""
        return Prepared(torch.zeros(phi.shape[-1], dtype=phi.dtype), 1.0)

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """MinMax similarity, by sum min = (|a| + |b| - |a - b|) / 2; of two empty vectors, 1."""
        total = phi1.sum(-1)[..., :, None] + phi2.sum(-1)[..., None, :]
        distance = torch.cdist(phi1, phi2, p=1)
        similarity = (total - distance) / (total + distance).clamp(min=1e-12)
        return torch.where(total > 0, similarity, 1.0)

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """The similarity itself."""
        return statistic

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """One."""
        return torch.ones(phi.shape[:-1], dtype=phi.dtype)


@dataclass(frozen=True)
class Linear:
    r"""The linear kernel, :math:`(\phi-c)\cdot(\phi'-c)/s`, with mean training variance 1.

    A weight-space regression on the features (Rasmussen and Williams 2006, sec. 2.1). It
    extrapolates linearly, which is what a good source feature wants.

    Attributes:
        standardise: Divide each feature by its training sd first: for descriptors in units of
            their own. A feature that is constant in training is left out.
    """

    standardise: bool = False
    name: ClassVar[str] = "linear"
    is_ard: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self)

    def lengthscales(self, features: Features) -> dict[str, float]:
        """None."""
        return {}

    def prepare(self, phi: Tensor) -> Prepared:
        """The training mean c, and the root mean squared distance from it."""
        centre, unit = phi.mean(0), column_scales(phi, self.standardise)
        scale = float(((phi - centre) / unit).square().sum(-1).mean().sqrt())
        return Prepared(centre, (scale if scale > 0 else 1.0) * unit)

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """Scaled inner products."""
        a, b = (phi1 - prepared.centre) / prepared.scale, (phi2 - prepared.centre) / prepared.scale
        return a @ b.transpose(-1, -2)

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """The inner product itself."""
        return statistic

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """Scaled squared lengths."""
        return ((phi - prepared.centre) / prepared.scale).square().sum(-1)


@dataclass(frozen=True)
class Matern52:
    r"""Matern 5/2, :math:`(1+r+r^2/3)e^{-r}` with :math:`r=\sqrt5\,d/\ell`.

    The lengthscale is `factor` times the median distance between training points (0.5 sqrt(k)
    style rules fail on learned features); `ell_sd` > 0 gives it a log-normal prior around that
    value. Use it for smooth, bounded effects of real features; it returns to the mean far away.

    Attributes:
        factor: Lengthscale in median distances.
        ell_sd: Prior sd of its logarithm; 0 keeps it fixed.
        standardise: Divide each feature by its training sd first; as in `Linear`.
    """

    factor: float = 2.0
    ell_sd: float = 0.0
    standardise: bool = False
    name: ClassVar[str] = "Matern-5/2"
    is_ard: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "ell_sd")
        at_least(self, 0, "factor", above=True)

    def lengthscales(self, features: Features) -> dict[str, float]:
        """One for all features, unless it is fixed."""
        return {f"{self.name}({features.label})": self.ell_sd} if self.ell_sd else {}

    def prepare(self, phi: Tensor) -> Prepared:
        """The median of the positive pairwise distances."""
        unit = column_scales(phi, self.standardise)
        distance = torch.pdist(phi / unit)
        positive = distance[distance > 0]
        median = float(positive.median()) if positive.numel() else 1.0
        return Prepared(phi.mean(0), self.factor * median * unit)

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """Distances over the prepared lengthscale."""
        a, b = (phi1 - prepared.centre) / prepared.scale, (phi2 - prepared.centre) / prepared.scale
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """Matern 5/2 of the scaled distance."""
        square = 5.0 * statistic.square()
        if ell is not None:
            square = square / over_rows(ell.square(), statistic)
        return matern52(square)

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """One."""
        return torch.ones(phi.shape[:-1], dtype=phi.dtype)


@dataclass(frozen=True)
class ARD:
    r"""Matern 5/2 with a lengthscale for each feature (automatic relevance determination).

    .. math:: (1+r+r^2/3)e^{-r}, \qquad r^2 = 5 \sum_j (\phi_j - \phi'_j)^2 / \ell_j^2

    The lengthscale of feature j is ``factor sqrt(k)`` times its training sd times a log-normal
    number of log sd `ell_sd`, so that a feature that does not matter can be stretched until it
    plays no part (the scaling with dimension: Hvarfner, Hellsten and Nardi 2024, arXiv:2402.02229).

    Use it for up to some tens of named descriptors, when the question is which of them matter.
    Not for fingerprints, and not to save a model with more descriptors than measurements.
    """

    factor: float = 2.0
    ell_sd: float = 1.5
    name: ClassVar[str] = "ARD Matern-5/2"
    is_ard: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "ell_sd")
        at_least(self, 0, "factor", above=True)

    def lengthscales(self, features: Features) -> dict[str, float]:
        """One for each feature, unless they are fixed."""
        return dict.fromkeys(features.names, self.ell_sd) if self.ell_sd else {}

    def prepare(self, phi: Tensor) -> Prepared:
        """The scale of each feature; a feature that is constant has none and is left out."""
        return Prepared(
            phi.mean(0), self.factor * math.sqrt(phi.shape[-1]) * column_scales(phi, True)
        )

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """Squared differences of each feature over its prepared lengthscale."""
        return ((phi1[..., :, None, :] - phi2[..., None, :, :]) / prepared.scale).square()

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """Matern 5/2 of the weighted distance."""
        if ell is None:
            return matern52(5.0 * statistic.sum(-1))
        flat = statistic.reshape(-1, statistic.shape[-1])
        square = 5.0 * ell.square().reciprocal() @ flat.T
        return matern52(square).reshape(-1, *statistic.shape[:-1])

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """One."""
        return torch.ones(phi.shape[:-1], dtype=phi.dtype)


@dataclass(frozen=True)
class Exchangeable:
    r"""Categories that are equally unlike one another, :math:`2^{-d/\ell}`, d the unequal features.

    At :math:`\ell=1` two categories correlate by 1/2; a long lengthscale pools them, a short one
    keeps them apart. Use it for a solvent, a laboratory, a crystal structure. Not for categories in
    an order (low, medium, high): a smooth kernel on their codes knows that neighbours are alike.

    Attributes:
        ell_sd: Prior sd of the log lengthscale; 0 keeps the correlation at 1/2.
    """

    ell_sd: float = 1.0
    name: ClassVar[str] = "exchangeable"
    is_ard: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "ell_sd")

    def lengthscales(self, features: Features) -> dict[str, float]:
        """One for all features, unless it is fixed."""
        return {f"{self.name}({features.label})": self.ell_sd} if self.ell_sd else {}

    def prepare(self, phi: Tensor) -> Prepared:
        """Nothing to read."""
        return Prepared(torch.zeros(phi.shape[-1], dtype=phi.dtype), 1.0)

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """How many features differ."""
        return (phi1[..., :, None, :] != phi2[..., None, :, :]).double().sum(-1)

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """Two to the minus that number over the lengthscale."""
        exponent = statistic if ell is None else statistic / over_rows(ell, statistic)
        return torch.exp2(-exponent)

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """One."""
        return torch.ones(phi.shape[:-1], dtype=phi.dtype)


def over_rows(ell: Tensor, statistic: Tensor) -> Tensor:
    """One lengthscale a set, `S x 1`, in the shape that divides a statistic."""
    return ell.reshape(-1, *[1] * statistic.dim())


def column_scales(phi: Tensor, standardise: bool) -> Tensor:
    """Training sd of each feature, infinite where it is constant; ones if not `standardise`."""
    if not standardise:
        return torch.ones(phi.shape[-1], dtype=phi.dtype)
    sd = phi.std(0) if len(phi) > 1 else torch.zeros(phi.shape[-1], dtype=phi.dtype)
    return torch.where(sd > 1e-9 * phi.abs().amax(0), sd, torch.inf)


class _Matern52(torch.autograd.Function):
    r"""Matern 5/2 of s = r^2, smooth at s = 0, where the square root is not.

    .. math:: k = (1 + r + s/3) e^{-r}, \qquad \frac{dk}{ds} = -\tfrac16 (1 + r) e^{-r}
    """

    @staticmethod
    def forward(context: Any, square: Tensor) -> Tensor:
        r = square.clamp(min=0.0).sqrt()
        decay = torch.exp(-r)
        context.save_for_backward(r, decay)
        return (square / 3.0).add_(r).add_(1.0).mul_(decay)

    @staticmethod
    @once_differentiable
    def backward(context: Any, *grads: Tensor) -> Tensor:
        r, decay = context.saved_tensors
        return (r + 1.0).mul_(decay).mul_(grads[0]).mul_(-1.0 / 6.0)


def matern52(square: Tensor) -> Tensor:
    """(1 + r + r^2/3) exp(-r) of r^2, any shape; differentiable once."""
    return _Matern52.apply(square)


@dataclass(frozen=True)
class Term:
    """One summand ``w**2 k(phi, phi')`` of a node's covariance.

    Attributes:
        kernel: The covariance function.
        features: The feature map it looks at.
        group: Heading under which reports add it up ("parent", "networks", "fingerprints" ...).
        weight: Prior median of w in standard deviations of the property.
        weight_sd: Prior sd of log w.
    """

    kernel: Kernel
    features: Features
    group: str
    weight: float = 0.3
    weight_sd: float = 1.5

    def __post_init__(self) -> None:
        settle(self)
        at_least(self, 0, "weight_sd")
        at_least(self, 0, "weight", above=True)
        counts = Counter(self.features.names if self.kernel.is_ard else ())
        if twice := [name for name, n in counts.items() if n > 1]:
            raise ModelError(
                f"the features {twice} stand several times in {self.features.label!r}, and "
                f"{self.kernel.name} has a lengthscale for each name: give each feature once."
            )

    @property
    def label(self) -> str:
        """Name in reports and of the hyper-parameter."""
        return f"{self.kernel.name}({self.features.label})"

    @property
    def lengthscales(self) -> tuple[str, ...]:
        """Names of the lengthscales that are hyper-parameters: none, one, or one per feature."""
        return tuple(self.kernel.lengthscales(self.features))
