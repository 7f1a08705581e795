"""Products of covariance functions: how an effect of one thing depends on another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import mul
from typing import ClassVar

import torch
from torch import Tensor

from bayesmat._arguments import checked, settle
from bayesmat.errors import ModelError
from bayesmat.models.kernels import Kernel, Prepared, Term
from bayesmat.sources.embedding import CompositeMap, Features

__all__ = ["Product", "product"]

Factor = tuple[Kernel, Features]


@dataclass(frozen=True)
class Product:
    r"""A product of kernels, each on features of its own, :math:`\prod_i k_i(\phi_i, \phi_i')`.

    Functions of this covariance are interactions: the effect of temperature differs from material
    to material, and is alike for materials that are alike. Make terms of it with `product`.

    Attributes:
        factors: Kernels with the features that they look at, two or more.
    """

    factors: tuple[Factor, ...]
    is_ard: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self)
        if len(self.factors) < 2:
            raise ModelError(f"a product needs two factors or more, got {len(self.factors)}.")

    @property
    def name(self) -> str:
        """The names of the factors."""
        return " x ".join(kernel.name for kernel, _ in self.factors)

    @property
    def widths(self) -> list[int]:
        """How many features each factor reads."""
        return [len(features.names) for _, features in self.factors]

    def lengthscales(self, features: Features) -> dict[str, float]:
        """Those of the factors; the same kernel on the same features has them once in a node."""
        found: dict[str, float] = {}
        for kernel, part in self.factors:
            found |= kernel.lengthscales(part)
        return found

    def prepare(self, phi: Tensor) -> Prepared:
        """What each factor reads off its features."""
        parts = zip(self.factors, phi.split(self.widths, -1), strict=True)
        found = tuple(kernel.prepare(part) for (kernel, _), part in parts)
        return Prepared(torch.cat([f.centre for f in found]), 1.0, found)

    def statistic(self, prepared: Prepared, phi1: Tensor, phi2: Tensor) -> Tensor:
        """The statistics of the factors side by side, `... x n1 x n2 x K`."""
        found = []
        for kernel, own, a, b in self._each(prepared, phi1, phi2):
            one = kernel.statistic(own, a, b)
            found.append(one if kernel.is_ard else one[..., None])
        return torch.cat(found, -1)

    def value(self, statistic: Tensor, ell: Tensor | None) -> Tensor:
        """The product of the values of the factors."""
        values, at = [], 0
        names = list(self.lengthscales(self.factors[0][1]))
        for (kernel, features), width in zip(self.factors, self.widths, strict=True):
            n = width if kernel.is_ard else 1
            one = statistic[..., at : at + n] if kernel.is_ard else statistic[..., at]
            mine = [names.index(name) for name in kernel.lengthscales(features)]
            values.append(kernel.value(one, None if ell is None or not mine else ell[:, mine]))
            at += n
        return reduce(mul, values)

    def diagonal(self, prepared: Prepared, phi: Tensor) -> Tensor:
        """The product of the prior variances of the factors."""
        return reduce(mul, [k.diagonal(own, a) for k, own, a, _ in self._each(prepared, phi, phi)])

    def _each(
        self, prepared: Prepared, phi1: Tensor, phi2: Tensor
    ) -> Iterator[tuple[Kernel, Prepared, Tensor, Tensor]]:
        first, second = phi1.split(self.widths, -1), phi2.split(self.widths, -1)
        for (kernel, _), own, a, b in zip(
            self.factors, prepared.factors, first, second, strict=True
        ):
            yield kernel, own, a, b


def product(*factors: Factor, group: str, weight: float = 0.3, weight_sd: float = 1.5) -> Term:
    """A term for an interaction: kernels on different features, multiplied.

    Args:
        factors: Kernels with their features: ``(MinMax(), fingerprints), (Matern52(), condition)``.
        group: Heading under which reports add it up.
        weight: Prior median of its weight in standard deviations of the property.
        weight_sd: Prior sd of the log of the weight.

    Raises:
        ModelError: There are fewer than two factors.

    >>> from bayesmat.features import ECFP, ConditionMap
    >>> from bayesmat.models.kernels import Matern52, MinMax
    >>> from bayesmat.sources import FeatureMap
    >>> inverse = ConditionMap("temperature", transform="1/T")
    >>> product((MinMax(), FeatureMap((ECFP(),))), (Matern52(), inverse), group="slopes").label
    'MinMax x Matern-5/2(ecfp x 1/temperature)'
    """
    kernel = Product(checked(factors, tuple[Factor, ...], "factors"))
    features = tuple(features for _, features in kernel.factors)
    label = " x ".join(f.label for f in features)
    return Term(kernel, CompositeMap(features, label), group, weight, weight_sd)
