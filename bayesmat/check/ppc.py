"""Prior and posterior predictive checks: could the model have produced data like these?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown, listing, sheet
from bayesmat.data.table import PropertyTable, Scale
from bayesmat.errors import DataError
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted, layout_of
from bayesmat.models.model import GenerativePrior, suited

__all__ = ["STATISTICS", "PredictiveCheck", "posterior_predictive", "prior_predictive"]

Statistic = Callable[[Tensor], Tensor]
Statistics = Mapping[str, Statistic] | None
FALSE_ALARM = 0.05


def _sd(y: Tensor) -> Tensor:
    return y.std(-1, unbiased=False) if y.shape[-1] > 1 else y.new_full(y.shape[:-1], torch.nan)


def _skewness(y: Tensor) -> Tensor:
    """NaN for equal values, and for two, which are always symmetric."""
    centred = y - y.mean(-1, keepdim=True)
    skewness = centred.pow(3).mean(-1) / centred.square().mean(-1).pow(1.5)
    return torch.where(_differ(y) & (y.shape[-1] > 2), skewness, torch.nan)


def _differ(y: Tensor) -> Tensor:
    return y.amax(-1) > y.amin(-1)


def _largest_z(y: Tensor) -> Tensor:
    """Distance of the value furthest from the median, in median absolute deviations.

    NaN where half of the values are equal, so that the deviation is 0.
    """
    apart = (y - y.median(-1, keepdim=True).values).abs()
    deviation = apart.median(-1).values
    return torch.where(deviation > 0, apart.amax(-1) / deviation, torch.nan)


STATISTICS: Mapping[str, Statistic] = {
    "mean": lambda y: y.mean(-1),
    "sd": _sd,
    "min": lambda y: y.amin(-1),
    "max": lambda y: y.amax(-1),
    "skewness": _skewness,
    "largest |z|": _largest_z,
}


@dataclass(frozen=True, eq=False, repr=False)
class PredictiveCheck(Shown):
    """Statistics of the measured values beside those of simulated values of the same cells.

    Attributes:
        kind: "prior" or "posterior".
        observed: (property, statistic) -> its value for the measurements.
        replicated: (property, statistic) -> its values for simulated measurements, `R`.
        measured: Property -> measured values, `k`, in physical units.
        draws: Property -> simulated values of the same cells, `R x k`, in physical units.
    """

    kind: str
    observed: Mapping[tuple[str, str], float]
    replicated: Mapping[tuple[str, str], np.ndarray]
    measured: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray]

    @property
    def probabilities(self) -> dict[tuple[str, str], float]:
        """Two-sided tail probability of every statistic that is defined, ties counted half."""
        out = {}
        for key, value in self.observed.items():
            drawn = self.defined(*key)
            if np.isnan(value) or not drawn.size:
                continue
            near = np.isclose(drawn, value, rtol=1e-9, atol=0.0)
            above = float(((drawn > value) & ~near).mean() + 0.5 * near.mean())
            n = len(drawn)
            out[key] = min(1.0, 2 * max(min(above, 1 - above), 0.5 / (n + 1)))
        return out

    @property
    def undefined(self) -> tuple[tuple[str, str], ...]:
        """(property, statistic) that these data do not have, such as the skewness of one value."""
        return tuple(key for key in self.observed if key not in self.probabilities)

    def defined(self, name: str, statistic: str) -> np.ndarray:
        """Simulated values of a statistic, without simulations that do not have it."""
        drawn = self.replicated[checked(name, str, "name"), checked(statistic, str, "statistic")]
        return drawn[~np.isnan(drawn)]

    def to_frame(self) -> pd.DataFrame:
        """One row per property and statistic: observed, 95 % interval simulated, probability.

        What is undefined for these data is NaN.
        """
        probabilities = self.probabilities
        rows = []
        for key, value in self.observed.items():
            drawn = self.defined(*key) if key in probabilities else np.full(1, np.nan)
            low, middle, high = np.quantile(drawn, [0.025, 0.5, 0.975])
            rows.append(
                {"property": key[0], "statistic": key[1], "observed": value,
                 "simulated 2.5%": low, "simulated median": middle, "simulated 97.5%": high,
                 "probability": probabilities.get(key, np.nan)}
            )  # fmt: skip
        return pd.DataFrame(rows)

    @property
    def problems(self) -> tuple[str, ...]:
        """Statistics that the model all but rules out, in words.

        The probability must fall below 0.05 divided by the number of statistics, so that a right
        model is accused once in twenty checks or less.
        """
        out = []
        probabilities = self.probabilities
        for (name, statistic), p in probabilities.items():
            drawn = self.defined(name, statistic)
            if p > max(FALSE_ALARM / len(probabilities), 1.001 / (len(drawn) + 1)):
                continue
            value = self.observed[name, statistic]
            side = "larger" if value > np.median(drawn) else "smaller"
            low, high = np.quantile(drawn, [0.025, 0.975])
            text = (
                f"{name}: the {statistic} of the measurements, {value:.3g}, is {side} than the "
                f"{self.kind} allows ({low:.3g} to {high:.3g}, p = {p:.2g}): "
            )
            out.append(text + _advice(self.kind))
        return tuple(out)

    def __str__(self) -> str:
        frame = self.to_frame().to_string(
            index=False, float_format=lambda v: f"{v:.3g}", na_rep="undefined"
        )
        return "\n".join([frame, *self._verdict()])

    def _repr_html_(self) -> str:
        frame = self.to_frame().astype(object)
        return sheet(frame.where(frame.notna(), "undefined")) + listing(self._verdict())

    def _verdict(self) -> tuple[str, ...]:
        fine = f"The measurements look like what the {self.kind} simulates in these statistics."
        names = ", ".join(f"{statistic} of {name}" for name, statistic in self.undefined)
        left = (f"Undefined for these data, so not judged: {names}.",) if names else ()
        return ((self.problems or (fine,)) if self.probabilities else ()) + left

    def _facts(self) -> dict[str, object]:
        return {"kind": self.kind, "statistics": len(self.observed), "problems": len(self.problems)}


def _advice(kind: str) -> str:
    if kind == "prior":
        return (
            "prior and data are in conflict. Check the unit and the log scale of the property, "
            "then widen the prior."
        )
    return (
        "the model does not reproduce its own data. Look for outliers, a missing parent or a noise "
        "law that does not fit."
    )


def prior_predictive(
    prior: GenerativePrior,
    table: PropertyTable,
    *,
    statistics: Mapping[str, Statistic] | None = None,
    n: int = 500,
    seed: int,
) -> PredictiveCheck:
    """Simulate the measured cells from the prior and compare: is there prior-data conflict?

    The prior speaks of standardised values, so mean and sd of the measurements set the scale
    rather than being predicted: a conflict shows in shape, extremes, or a prior that is far too
    wide or narrow. Box (1980), doi:10.2307/2982063; Gabry et al. (2019), doi:10.1111/rssa.12378.

    Args:
        prior: A prior that can be sampled: a graph or a program.
        table: Measurements.
        statistics: Name -> function of values `R x k` in physical units (of the logarithm for log
            properties) giving `R`; `STATISTICS` by default.
        n: Simulated data sets.
        seed: Seeds them.

    Raises:
        DataError: The table lacks a property or has no measured cell.
    """
    prior, table = checked(prior, GenerativePrior, "prior"), checked(table, PropertyTable, "table")
    statistics, n = checked(statistics, Statistics, "statistics"), checked(n, int, "n")
    seed = seed_of(seed)
    table = table.select(prior.properties)
    observed, scales = table.observations(), table.scales
    prior = suited(prior, table)
    layout = layout_of(prior, table)
    X = layout(table.rows)
    draws = prior.sample(X, n, layout=layout, seed=seed)
    y = draws.measurements(observed, seed=spawn(seed, "noise"))
    return _check("prior", table, scales, y, statistics)


def posterior_predictive(
    fitted: Fitted,
    *,
    statistics: Mapping[str, Statistic] | None = None,
    n: int = 500,
    seed: int,
) -> PredictiveCheck:
    """Simulate new measurements of the same cells from the posterior and compare.

    The same data fit and judge the model, so this check is mild: what it finds is real, what it
    passes may still fail on new materials (`kfold`). Use statistics that the model did not fit:
    extremes and shape rather than the mean. Gelman, Meng and Stern (1996), Statistica Sinica 6,
    733.

    Args:
        fitted: A fit.
        statistics: As in `prior_predictive`.
        n: Simulated data sets; for a program at most one per draw is independent.
        seed: Seeds them.
    """
    fitted = checked(fitted, Fitted, "fitted")
    statistics, n = checked(statistics, Statistics, "statistics"), checked(n, int, "n")
    seed = seed_of(seed)
    model = fitted.model
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(model.noise_sd), (n,), generator=generator)
    with torch.no_grad():
        y = model.replicate(chosen, generator)
    return _check("posterior", fitted.table, fitted.scales, y, statistics)


def _check(
    kind: str,
    table: PropertyTable,
    scales: tuple[Scale, ...],
    y: Tensor,
    statistics: Mapping[str, Statistic] | None,
) -> PredictiveCheck:
    """Compare simulated cells in model space, `R x k`, with those of the table."""
    obs = table.observations(scales)
    if obs.n_cells == 0:
        raise DataError("the table has no measured cell: there is nothing to compare with.")
    observed, replicated, measured, draws = {}, {}, {}, {}
    for j, (prop, scale) in enumerate(zip(table.properties, scales, strict=True)):
        at = obs.columns == j
        if not bool(at.any()):
            continue
        linear = Scale(False, scale.loc, scale.sd)
        seen, drawn = linear.to_physical(obs.y[at]), linear.to_physical(y[:, at])
        for name, statistic in (STATISTICS if statistics is None else statistics).items():
            observed[prop.name, name] = float(statistic(seen[None])[0])
            replicated[prop.name, name] = statistic(drawn).numpy()
        measured[prop.name] = scale.to_physical(obs.y[at]).numpy()
        draws[prop.name] = scale.to_physical(y[:, at]).numpy()
    return PredictiveCheck(kind, observed, replicated, measured, draws)
