"""What a prior, a fitted model and a prediction are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from botorch.models.model import Model
from torch import Tensor

from bayesmat._arguments import checked, names, real, seed_of
from bayesmat._repr import Shown, quantiles, text
from bayesmat._repr import table as html_table
from bayesmat._version import versions
from bayesmat.data.materials import canonical_all
from bayesmat.data.table import Observations, PropertyTable, Scale
from bayesmat.errors import ArgumentError, ModelError
from bayesmat.features.base import Layout
from bayesmat.models.additions import check_additions
from bayesmat.models.marginals import Marginals
from bayesmat.models.prediction import Prediction, with_noise
from bayesmat.models.report import FitReport
from bayesmat.models.similarity import Similarity
from bayesmat.models.stored import StoredFit, write
from bayesmat.sources.embedding import FeatureMap

__all__ = [
    "Fitted",
    "GenerativePrior",
    "Prior",
    "PriorDraws",
    "PropertyModel",
    "fit",
    "layout_of",
]


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
    @abstractmethod
    def draws(self) -> Mapping[str, Tensor]:
        """Equal-weight posterior draws of the parameters by name, `S x ...`."""

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
    def features(self) -> tuple[FeatureMap, ...]:
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

    def explain(
        self,
        observations: Observations,
        X: Tensor,
        model: PropertyModel,
        *,
        layout: Layout,
        seed: int,
    ) -> FitReport:
        """What was fitted, in words and numbers."""
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


def layout_of(prior: Prior, table: PropertyTable | None = None) -> Layout:
    """The columns of X that a prior needs: each featurizer once, then the conditions."""
    prior, table = checked(prior, Prior, "prior"), checked(table, PropertyTable | None, "table")
    inputs = [featurizer for m in prior.features for featurizer in m.inputs]
    return Layout(inputs, table.conditions if table is not None else ())


@dataclass(frozen=True, eq=False)
class Fitted:
    """A table, a prior, and the posterior they give.

    Attributes:
        table: The data it was fitted to, restricted to the prior's properties.
        prior: The prior.
        layout: Makes X from materials.
        model: The BoTorch model over X, in model space.
        scales: Map of each property between physical units and model space.
        report: What was fitted.
    """

    table: PropertyTable
    prior: Prior
    layout: Layout
    model: PropertyModel
    scales: tuple[Scale, ...]
    report: FitReport

    def marginals(self, materials: Sequence[str]) -> Marginals:
        """Component means and variances in model space, for canonical materials."""
        return Marginals.join([self.model.marginals(X) for X in self.layout.stream(materials)])

    def predict(
        self,
        materials: Sequence[str],
        properties: Sequence[str] | None = None,
        *,
        conditions: np.ndarray | None = None,
        level: float = 0.9,
        sds: Mapping[str, Sequence[float]] | None = None,
    ) -> Prediction:
        """Median and central interval of a measurement on each material, in physical units.

        Args:
            materials: Any valid spelling; the prediction carries the canonical keys.
            properties: Names; all by default.
            conditions: `n x c`, needed if the table has conditions.
            level: Probability of the interval.
            sds: Standard deviations of the measurements that are predicted, by property and in its
                unit, one per material (NaN: not known). Without them a measurement is taken to be
                as noisy as those of the table: by their stated sds, or the inferred one.

        Raises:
            MaterialError: Materials that cannot be read, all at once.
            ModelError: An unknown property, sds that do not fit, or a level outside (0, 1).
        """
        level = real(level, "level")
        if not 0 < level < 1:
            raise ModelError(f"level is {level}; it must lie between 0 and 1, like 0.9.")
        known = self.table.property_names
        wanted = known if properties is None else names(properties, "properties")
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise ModelError(f"unknown properties {unknown}; the model predicts {list(known)}.")
        keys = tuple(canonical_all(materials, self.table.kind))
        parts = [
            (self.model.marginals(X), self.domain_distance(X))
            for X in self.layout.stream(keys, conditions)
        ]
        marginals = Marginals.join([part for part, _ in parts])
        if sds is not None:
            marginals = with_noise(marginals, sds, known, self.scales)
        tail = 0.5 * (1 - level)
        columns = [known.index(name) for name in wanted]
        quantiles = torch.stack([marginals.quantile(p) for p in (tail, 0.5, 1 - tail)])
        lower, median, upper = (
            np.stack([self.scales[j].to_physical(q[:, j]).numpy() for j in columns], -1)
            for q in quantiles
        )
        units = [self.scales[j].sd for j in columns]
        return Prediction(
            keys, tuple(self.table.properties[j] for j in columns), median, lower, upper, level,
            marginals.sd(observation=False)[:, columns].numpy() * units,
            marginals.sd(observation=True)[:, columns].numpy() * units,
            np.concatenate([distance for _, distance in parts]),
        )  # fmt: skip

    def update(self, table: PropertyTable, *, seed: int) -> Fitted:
        """The posterior when rows or cells have arrived, without starting over.

        Hyper-parameter particles are weighed by what they predicted for the new cells, and moved
        (iterated batch importance sampling); units and scales of model space stay those of the
        first fit. Use it in a loop where cells come one by one; fit again when the table has
        doubled.

        Args:
            table: Old and new measurements together.
            seed: Seeds resampling and moves.

        Raises:
            ModelError: A cell of this fit is missing or changed: what was conditioned on cannot be
                taken back. All such cells are listed.
            DataError: The table lacks a property.
        """
        table, seed = checked(table, PropertyTable, "table"), seed_of(seed)
        table = table.select(self.prior.properties)
        check_additions(self.table, table)
        X = self.layout(table.materials, table.condition_values)
        model = self.model.update(table.observations(self.scales), X, seed=seed)
        report = replace(model.report, properties=table.properties, scales=self.scales)
        return replace(self, table=table, model=model, report=report)

    def save(self, path: str | Path) -> None:
        """Write table and posterior to one file, which `bayesmat.load_fit` reads with the prior.

        The file is safetensors with JSON in its header; it holds neither networks nor code. A file
        that is there is replaced, whole or not at all.

        Raises:
            ModelError: The file cannot be written, or the model does not say what to write.
        """
        prior, state = self.prior, self.model.state()
        fit = StoredFit(
            prior.digest(),
            versions(),
            prior.properties,
            self.table,
            self.scales,
            self.report,
            state,
        )
        write(Path(checked(path, str | Path, "path")), fit)

    @cached_property
    def similarity(self) -> Similarity | None:
        """How alike rows are to this model; None if its prior reads no feature."""
        return Similarity.of(self.prior, self.prior.features, self.layout, self._train)

    @cached_property
    def _train(self) -> Tensor:
        return self.layout(self.table.materials, self.table.condition_values)

    def domain_distance(self, X: Tensor) -> np.ndarray:
        """1 - similarity of each row of X to the nearest training row, shape `n`."""
        X = checked(X, Tensor, "X")
        if self.similarity is None or not len(self._train):
            return np.full(X.shape[0], np.nan)
        return self.similarity.distance(X, self._train).numpy()

    def __repr__(self) -> str:
        return text("Fitted", {"prior": type(self.prior).__name__, "table": self.table})

    def __str__(self) -> str:
        return str(self.report)

    def _repr_html_(self) -> str:
        cells = np.count_nonzero(~np.isnan(self.table.values), axis=0).tolist()
        rows = [(p.label, p.scale, n) for p, n in zip(self.table.properties, cells, strict=True)]
        caption = f"{type(self.prior).__name__} fitted to {self.table.n_rows} rows"
        table = html_table(rows, ["property", "scale", "measured"], caption=caption)
        return table + self.report._repr_html_()


def fit(
    prior: Prior,
    table: PropertyTable,
    *,
    seed: int,
    explain: bool = True,
    checkpoint: str | Path | None = None,
) -> Fitted:
    """Condition a prior on a table: the one verb between data and questions.

    Args:
        prior: A `PropertyGraph`, `Transfer(...)` or program.
        table: Measurements; only the prior's properties are used.
        seed: Seeds the hyper-parameter sampler.
        explain: Also refit without each group of terms, so that the report says what each is
            worth; False keeps the report to what the fit itself knows (a campaign's rounds).
        checkpoint: File that a long fit writes as it goes, and continues from if it was killed.

    Raises:
        ModelError: The table lacks a property of the prior, or has no measured cell.
    """
    if isinstance(prior, PropertyTable) and not isinstance(table, PropertyTable):
        raise ArgumentError("prior and table are swapped: write fit(prior, table, seed=0).")
    prior, table = checked(prior, Prior, "prior"), checked(table, PropertyTable, "table")
    seed, explain = seed_of(seed), checked(explain, bool, "explain")
    checkpoint = checked(checkpoint, str | Path | None, "checkpoint")
    missing = [name for name in prior.properties if name not in table.property_names]
    if missing:
        raise ModelError(
            f"the prior relates {list(prior.properties)}, the table lacks {missing}; it has "
            f"{list(table.property_names)}."
        )
    table.check_continuous(prior.properties)
    table = table.select(prior.properties)
    scales = table.scales
    observations = table.observations(scales)
    if observations.y.numel() == 0:
        raise ModelError("the table has no measured cell for these properties: nothing to fit.")
    layout = layout_of(prior, table)
    X = layout(table.materials, table.condition_values)
    model = prior.condition(observations, X, layout=layout, seed=seed, checkpoint=checkpoint)
    report = model.report
    if explain:
        report = prior.explain(observations, X, model, layout=layout, seed=seed)
    report = replace(report, properties=table.properties, scales=scales)
    return Fitted(table, prior, layout, model, scales, report)
