"""What a prior and a conditioned model are: all that the rest of the house asks of them.

Nobody asks which model it is. What only some can do is a protocol of its own: a prior that can be
drawn from, one that is made of groups, one that can be conditioned quickly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import torch
from botorch.models.model import Model
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown, quantiles, text
from bayesmat._repr import table as html_table
from bayesmat.data.table import Observations, PropertyTable
from bayesmat.errors import ModelError
from bayesmat.features.base import Layout
from bayesmat.models.answers import LeftOutCells, Parameters, Points
from bayesmat.models.left_out import Restandardised
from bayesmat.models.marginals import Marginals, noise_origins
from bayesmat.models.report import FitReport
from bayesmat.sources.embedding import Features

__all__ = [
    "GenerativePrior",
    "Prior",
    "PriorDraws",
    "PropertyModel",
    "QuickPrior",
    "Reducible",
    "RestorablePrior",
    "Suitable",
    "suited",
]


P = TypeVar("P", bound="Prior")


class PropertyModel(Model, ABC):
    """A prior conditioned on data: a BoTorch model with a fast path for screening."""

    @property
    @abstractmethod
    def properties(self) -> tuple[str, ...]:
        """Names of the m outputs."""

    @property
    @abstractmethod
    def report(self) -> FitReport:
        """What was fitted, in words and numbers."""

    @property
    @abstractmethod
    def noise_sd(self) -> Tensor:
        """Noise sd of a new measurement per component and property, `S x m`, in model space."""

    @property
    def inferred_noise_sd(self) -> Tensor:
        """Noise sd of the measured cells whose sd the table does not state, `S x m`."""
        return self.noise_sd

    @property
    def uninformed(self) -> frozenset[str]:
        """Names of draws that no cell informs, whose posterior is their prior, where known."""
        return frozenset()

    @property
    @abstractmethod
    def draws(self) -> Mapping[str, Tensor]:
        """Equal-weight posterior draws of the parameters by name, `S x ...`."""

    @property
    @abstractmethod
    def observations(self) -> Observations:
        """The measured cells it was conditioned on, k of them, in model space."""

    @property
    @abstractmethod
    def points(self) -> Points:
        """The weighted points that parameters were integrated with, N of them."""

    @abstractmethod
    def left_out(self, units: Tensor, space: Restandardised | None = None) -> LeftOutCells:
        """Every cell as each of the N points predicts it from the cells of the other units.

        Args:
            units: Unit of each cell, `k`, numbered from 0 without gaps.
            space: The space that the other cells make; model space as it is where None.
        """

    @property
    @abstractmethod
    def pointwise(self) -> Tensor:
        """Log density of every cell under each of the S components, `S x k`, for ArviZ's LOO.

        Given the parameters; where f is integrated out, given the other cells as well.
        """

    @abstractmethod
    def replicate(self, chosen: Tensor, generator: torch.Generator) -> Tensor:
        """New measurements of the same cells, jointly, from chosen components: `R x k`."""

    def simulated_scores(self, n: int, generator: torch.Generator) -> Tensor:
        """Normal scores of left-out cells in data that the model itself makes, at least `n x k`.

        Independent, unless a model knows how its left-out errors are correlated.
        """
        k = self.observations.n_cells
        return torch.randn(n, k, generator=generator, dtype=torch.float64)

    def labelled(self, draws: PriorDraws | None = None) -> Parameters:
        """Parameters with labelled dimensions: this model's draws, or those of its prior.

        By default they are as they stand, with the noise by property beside them.
        """
        values = self.draws if draws is None else draws.parameters
        noise = self.inferred_noise_sd if draws is None else draws.noise_sd
        on, origins = ("property",), noise_origins(self.observations)
        coords = {"property": (on, list(self.properties)), "noise_from": (on, origins)}
        if "noise" in values:
            return Parameters(dict(values), {}, coords)
        return Parameters({**values, "noise": noise}, {"noise": ("property",)}, coords)

    def complete(self) -> PropertyModel:
        """The same posterior with every draw of its run, where it keeps a part of them."""
        return self

    @abstractmethod
    def update(self, observations: Observations, X: Tensor, *, seed: int) -> PropertyModel:
        """The posterior when cells have arrived; `observations` and `X` hold old and new."""

    def state(self) -> Mapping[str, object]:
        """What the prior's `restore` makes the model from: numbers, text, arrays, records of them.

        Raises:
            ModelError: This kind of model does not say.
        """
        raise ModelError(
            f"a {type(self).__name__} cannot be saved: give it a method state(), and its prior a "
            "method restore() (docs/extending.md). Until then fit again."
        )

    def __repr__(self) -> str:
        n = len(self.noise_sd)
        return text(type(self).__name__, {"properties": self.properties, "components": n})

    def _repr_html_(self) -> str:
        caption = f"{self}: parameters in model space (standardised, log where declared)"
        draws = {name: values.detach().cpu() for name, values in self.draws.items()}
        heads = ["parameter", "median", "5%", "95%"]
        return html_table(quantiles(draws), heads, caption=caption)

    @abstractmethod
    def marginals(self, X: Tensor, *, chunk: int = 512) -> Marginals:
        """Component means and latent variances of every row of X, shape `n x D`."""


class Prior(Protocol):
    """A frozen description of a model, before data; it knows properties, not chemistry."""

    @property
    def properties(self) -> tuple[str, ...]:
        """The properties it relates, in the order of the model's outputs."""
        ...

    @property
    def features(self) -> tuple[Features, ...]:
        """The feature maps it needs columns of X for."""
        ...

    def digest(self) -> str:
        """Hash of everything that the posterior depends on besides data and seed."""
        ...

    def condition(
        self,
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
        seed: int,
        checkpoint: str | Path | None = None,
    ) -> PropertyModel:
        """The posterior; X has shape `n x D` and was made by `layout`."""
        ...


@dataclass(frozen=True, eq=False, repr=False)
class PriorDraws(Shown):
    """Draws of everything that a prior is about, before data, in model space.

    Attributes:
        parameters: Draws by name, `n x ...`.
        f: Latent properties of the rows, `n x rows x m`.
        noise_sd: Noise sd of each property, `n x m`.
    """

    parameters: Mapping[str, Tensor]
    f: Tensor
    noise_sd: Tensor

    def measurements(self, observations: Observations, *, seed: int) -> Tensor:
        """Simulated values of the measured cells, `n x k`, with inferred or known noise."""
        observations, seed = checked(observations, Observations, "observations"), seed_of(seed)
        mean = self.f[:, observations.rows, observations.columns]
        known = observations.yvar.nan_to_num().sqrt()
        sd = torch.where(observations.yvar.isnan(), self.noise_sd[:, observations.columns], known)
        generator = torch.Generator().manual_seed(seed)
        return mean + sd * torch.randn(mean.shape, generator=generator, dtype=torch.float64)


@runtime_checkable
class Suitable(Protocol):
    """A prior that completes itself for a table: by the kind of material, by conditions."""

    def suited(self, table: PropertyTable) -> Prior:
        """The complete prior; what is complete stays as it is."""
        ...


def suited(prior: P, table: PropertyTable) -> P:
    """The prior as it is fitted to a table, whose digest is stored.

    Raises:
        ModelError: It cannot be fitted to such a table.
    """
    return cast(P, prior.suited(table)) if isinstance(prior, Suitable) else prior


@runtime_checkable
class GenerativePrior(Prior, Protocol):
    """A prior that can be drawn from: what simulation-based calibration can test."""

    def sample(self, X: Tensor, n: int, *, layout: Layout, seed: int) -> PriorDraws:
        """Independent draws of parameters and latent properties of rows X, `rows x D`."""
        ...

    def log_likelihood(
        self,
        parameters: Mapping[str, Tensor],
        observations: Observations,
        X: Tensor,
        *,
        layout: Layout,
    ) -> Tensor:
        """Log p(y | parameters) for draws of the parameters, shape `n`."""
        ...


@runtime_checkable
class Reducible(Prior, Protocol):
    """A prior made of groups, each of which can be left out to see what it is worth."""

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups."""
        ...

    def without(self, group: str) -> Prior | None:
        """The prior without one of its groups; None where nothing would be left."""
        ...


@runtime_checkable
class QuickPrior(Prior, Protocol):
    """A prior that can be conditioned more quickly than it was asked to be."""

    def quick(self) -> Prior:
        """The same prior with its quickest inference, for checks that refit."""
        ...


@runtime_checkable
class RestorablePrior(Prior, Protocol):
    """A prior whose fits can be saved: it makes a model again from the model's `state`."""

    def restore(
        self, state: Mapping[str, Any], observations: Observations, X: Tensor, *, layout: Layout
    ) -> PropertyModel:
        """The posterior with this state, given the cells and rows it was conditioned on."""
        ...
