"""Tables and priors made into fits, the one verb between data and questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import checked, names, real, seed_of
from bayesmat._counted import counted
from bayesmat._repr import table as html_table
from bayesmat._repr import text
from bayesmat._version import versions
from bayesmat.data.far import warn_far
from bayesmat.data.rows import Given, Rows
from bayesmat.data.table import PropertyTable, Scale
from bayesmat.errors import ArgumentError, ModelError
from bayesmat.features.base import Layout
from bayesmat.models.additions import check_additions
from bayesmat.models.explain import ablations, leave_one_out
from bayesmat.models.inputs import check_matrix
from bayesmat.models.left_out import Restandardised
from bayesmat.models.marginals import Marginals
from bayesmat.models.model import Prior, PropertyModel, Reducible, suited
from bayesmat.models.prediction import Prediction, with_noise
from bayesmat.models.report import FitReport, Noise
from bayesmat.models.similarity import Similarity
from bayesmat.models.stored import StoredFit, write

__all__ = [
    "Fitted",
    "fit",
    "layout_of",
]


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

    def marginals(self, rows: Sequence[str]) -> Marginals:
        """Component means and variances in model space, of `Rows` or canonical materials."""
        return Marginals.join([self.model.marginals(X) for X in self.layout.stream(rows)])

    def predict(
        self,
        materials: Sequence[str] | None = None,
        properties: Sequence[str] | None = None,
        *,
        conditions: Given | None = None,
        level: float = 0.9,
        sds: Mapping[str, Sequence[float] | float] | None = None,
    ) -> Prediction:
        """Median and central interval of a measurement on each material, in physical units.

        Args:
            materials: Any valid spelling, or `Rows`; left out for recipes. The prediction carries
                the canonical keys.
            properties: Names; all by default.
            conditions: By name one value for all materials or one for each, like
                `{"temperature": 298.15, "solvent": "water"}`, or `n x c` numbers; needed if the
                table has conditions.
            level: Probability of the interval.
            sds: Standard deviations of the measurements that are predicted, by property and in its
                unit, one for all or one per material (NaN: not known). Without them a measurement
                is as noisy as those of the table: by their stated sds, or the inferred one.

        Raises:
            MaterialError: Materials that cannot be read, all at once.
            DataError: Conditions are missing, do not fit, or the table has none.
            ModelError: An unknown property or none, sds that do not fit, or a level outside (0, 1).
        """
        level = real(level, "level")
        if not 0 < level < 1:
            raise ModelError(f"level is {level}; it must lie between 0 and 1, like 0.9.")
        known = self.table.property_names
        wanted = known if properties is None else names(properties, "properties")
        unknown = [name for name in wanted if name not in known]
        if unknown or not wanted:
            said = f"unknown properties {unknown}" if unknown else "no property is asked for"
            raise ModelError(
                f"{said}: name some of {list(known)}, which the model predicts, or leave "
                "properties out for all of them."
            )
        rows = Rows.of(self.table, materials, conditions)
        warn_far(self.table.rows, rows)
        parts = [
            (self.model.marginals(X), self.domain_distance(X)) for X in self.layout.stream(rows)
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
            rows, tuple(self.table.properties[j] for j in columns), median, lower, upper, level,
            marginals.sd(observation=False)[:, columns].numpy() * units,
            marginals.sd(observation=True)[:, columns].numpy() * units,
            np.concatenate([distance for _, distance in parts]), self.table.kind,
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
        X = self.layout(table.rows)
        model = self.model.update(table.observations(self.scales), X, seed=seed)
        read = self.report.conditions
        report = replace(_report(model, table, self.scales), conditions=read)
        updated = replace(self, table=table, model=model, report=report)
        return replace(updated, report=replace(report, loo=leave_one_out(model, updated.space())))

    def space(self, units: Tensor | None = None) -> Restandardised | None:
        """The spaces that cells make without each unit; each cell is its own by default.

        None after an `update`, which keeps the space of the first fit: new cells did not make it,
        and what the old ones gave away is left as it is.
        """
        if self.scales != self.table.scales:
            return None
        observations = self.model.observations
        return Restandardised.of(
            observations, torch.arange(observations.n_cells) if units is None else units
        )

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
        return self.layout(self.table.rows)

    def domain_distance(self, X: Tensor) -> np.ndarray:
        """1 - similarity of each row of X, `n x D`, to the nearest training row, shape `n`.

        Raises:
            ModelError: X was not made by the layout of this fit.
        """
        check_matrix(checked(X, Tensor, "X"), self.layout)
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
        caption = f"{type(self.prior).__name__} fitted to {counted(self.table.n_rows, 'row')}"
        table = html_table(rows, ["property", "scale", "measured"], caption=caption)
        return table + self.report._repr_html_()


def _report(model: PropertyModel, table: PropertyTable, scales: tuple[Scale, ...]) -> FitReport:
    """What the model reports, and how noisy measurements are, in the units of the table."""
    columns, known = model.observations.columns, model.observations.yvar.sqrt()
    used, inferred = model.noise_sd, model.inferred_noise_sd
    noises = {
        name: Noise(used[:, j], inferred[:, j], known[columns == j])
        for j, name in enumerate(table.property_names)
    }
    return replace(model.report, properties=table.properties, scales=scales, noises=noises)


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
    prior, scales = suited(prior, table), table.scales
    observations = table.observations(scales)
    if observations.y.numel() == 0:
        raise ModelError("the table has no measured cell for these properties: nothing to fit.")
    layout = layout_of(prior, table)
    X = layout(table.rows)
    model = prior.condition(observations, X, layout=layout, seed=seed, checkpoint=checkpoint)
    read = dict.fromkeys(m.label for m in prior.features if m.conditions)
    report = replace(_report(model, table, scales), conditions=tuple(read))
    fitted = Fitted(table, prior, layout, model, scales, report)
    space = fitted.space()
    loo, worth = leave_one_out(model, space), report.ablations
    if explain and isinstance(prior, Reducible):
        worth = ablations(prior, observations, X, loo, layout=layout, space=space, seed=seed)
    return replace(fitted, report=replace(report, loo=loo, ablations=worth))
