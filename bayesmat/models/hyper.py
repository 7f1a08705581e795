"""Hyper-parameters: named priors, all written as transforms of standard normal numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bayesmat.errors import ModelError

__all__ = ["HyperPriors", "LogNormal", "Normal"]


@dataclass(frozen=True)
class Normal:
    r"""A normal prior, :math:`\theta = m + s u` with :math:`u \sim N(0, 1)`.

    >>> Normal(1.0, 0.5)(torch.zeros(1))
    tensor([1.])
    """

    mean: float
    sd: float

    def __call__(self, u: Tensor) -> Tensor:
        """Transform standard normal numbers."""
        return self.mean + self.sd * u


@dataclass(frozen=True)
class LogNormal:
    r"""A log-normal prior for what is positive, :math:`\theta = m\,e^{s u}`; m is the median.

    With s = 1.5 a kernel weight is below 5 % of a standard deviation with probability 0.12, so a
    source that does not help can be switched off by the data.
    """

    median: float
    sd: float

    def __call__(self, u: Tensor) -> Tensor:
        """Transform standard normal numbers."""
        return self.median * torch.exp(self.sd * u)


@dataclass(frozen=True)
class HyperPriors:
    """Independent priors by name; a point is a vector u of standard normal numbers.

    Working in u makes the prior N(0, I) for every model, so one grid and one sampler serve all.
    """

    priors: Mapping[str, Normal | LogNormal]

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of the columns of u."""
        return tuple(self.priors)

    def values(self, u: Tensor) -> dict[str, Tensor]:
        """Hyper-parameters by name, each of shape `S`, for u of shape `S x d`."""
        return {name: prior(u[:, i]) for i, (name, prior) in enumerate(self.priors.items())}

    def standard(self, values: Mapping[str, float]) -> Tensor:
        """The point u (shape `1 x d`) at which the hyper-parameters have the given values.

        Raises:
            ModelError: A name is missing or unknown.
        """
        _same_names(self.names, tuple(values))
        u = []
        for name, prior in self.priors.items():
            value = torch.tensor(float(values[name]), dtype=torch.float64)
            if isinstance(prior, Normal):
                u.append((value - prior.mean) / prior.sd)
            else:
                u.append(torch.log(value / prior.median) / prior.sd)
        return torch.stack(u)[None] if u else torch.zeros(1, 0, dtype=torch.float64)


def _same_names(wanted: Sequence[str], given: Sequence[str]) -> None:
    missing, unknown = set(wanted) - set(given), set(given) - set(wanted)
    if missing or unknown:
        raise ModelError(
            f"Hyper-parameters do not fit the model: missing {sorted(missing)}, unknown "
            f"{sorted(unknown)}. The model has {list(wanted)}."
        )
