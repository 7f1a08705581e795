"""Recalibration: one factor on predicted sds, fitted on held-out cells and reported.

It repairs the width of intervals, not their centres; nothing in bayesmat applies it by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown, listing
from bayesmat.data.splits import grouped_kfold
from bayesmat.errors import DataError
from bayesmat.models.prediction import Prediction

from .cells import CellPredictions
from .heldout import HeldOut
from .resampling import Estimate, resampled_weights
from .scores import absolute_moment, nll_mixture
from .summary import Summary

__all__ = ["Recalibration", "recalibrate"]

LOG_FACTORS = torch.linspace(math.log(0.05), math.log(20.0), 121, dtype=torch.float64)
MIN_MATERIALS = 20
MIN_FOR_MAP = 200
N_NESTED = 5
LEVELS = np.linspace(0.01, 0.99, 99)

Cells = TypeVar("Cells", bound=CellPredictions)


@dataclass(frozen=True, eq=False, repr=False)
class Recalibration(Shown):
    """How much wider (above 1) or narrower intervals should have been, and what that would do.

    Attributes:
        factors: Property -> factor on the predicted sd, with its 95 % interval.
        maps: Property -> share of held-out values below their predicted p-quantile, for p of
            0.01, 0.02, ... 0.99; a monotone map, only where 200 values or more were held out.
        before: Figures as predicted.
        after: Figures of the same cells with factors fitted on *other* materials (nested), so that
            a factor is not judged by the data that chose it.
        score: What was minimised, "nll" or "crps".
        warnings: What to keep in mind.
    """

    factors: Mapping[str, Estimate]
    maps: Mapping[str, np.ndarray]
    before: Summary
    after: Summary
    score: str
    warnings: tuple[str, ...]

    def apply(self, cells: Cells) -> Cells:
        """Predictions of cells with every mixture widened about its mean by the factor.

        Latent and noise sd are scaled alike: held-out values cannot tell which was wrong.

        Raises:
            DataError: A property has no factor.
        """
        cells = checked(cells, CellPredictions, "cells")
        factors = torch.tensor(
            [self._factor(p.name) for p in cells.properties], dtype=torch.float64
        )
        return _widened(cells, factors[cells.columns])

    def adjust(self, prediction: Prediction) -> Prediction:
        """A `Fitted.predict` with its intervals and sds widened by the factor, medians kept.

        Raises:
            DataError: A property has no factor.
        """
        prediction = checked(prediction, Prediction, "prediction")
        c = np.array([self._factor(p.name) for p in prediction.properties])
        is_log = np.array([p.scale == "log" for p in prediction.properties])
        lower, upper = (
            np.where(
                is_log,
                prediction.median * np.where(is_log, end / prediction.median, 1.0) ** c,
                prediction.median + c * (end - prediction.median),
            )
            for end in (prediction.lower, prediction.upper)
        )
        return replace(
            prediction,
            lower=lower,
            upper=upper,
            latent_sd=prediction.latent_sd * c,
            observation_sd=prediction.observation_sd * c,
        )

    def asked(self, name: str, level: float) -> float:
        """Level of the predicted quantile below which a share `level` of values really falls.

        The quantile map of Kuleshov, Fenner and Ermon (2018), arXiv:1807.00263.

        Raises:
            DataError: Too few values were held out for a map of this property.
        """
        name, level = checked(name, str, "name"), checked(level, float, "level")
        if name not in self.maps:
            raise DataError(
                f"there is no quantile map of {name!r}: it needs {MIN_FOR_MAP} held-out values. "
                f"Maps exist for {list(self.maps)}; use the factor."
            )
        return float(np.interp(level, self.maps[name], LEVELS))

    def _factor(self, name: str) -> float:
        if name not in self.factors:
            raise DataError(
                f"no factor was fitted for {name!r}; there are factors for {list(self.factors)}."
            )
        return self.factors[name].value

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict, a sentence per line."""
        out = []
        for name, factor in self.factors.items():
            if factor.holds(1.0):
                verdict = f"{name}: nothing to repair, the best factor on the sd is {factor}."
            else:
                change = "wider" if factor.value > 1 else "narrower"
                verdict = f"{name}: intervals should be {change}, factor on the sd {factor}."
            nested = [
                f"{measure} {self.before[name, measure]} -> {self.after[name, measure]}"
                for measure in ("coverage 90%", "crps", "nll")
            ]
            out.append(f"{verdict} Factors from other materials: {'; '.join(nested)}.")
        return (*out, *self.warnings)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def _repr_html_(self) -> str:
        return listing(self.lines)


def recalibrate(
    held: HeldOut, *, score: Literal["nll", "crps"] = "nll", seed: int = 0
) -> Recalibration:
    r"""Fit, per property, the factor c by which predicted sds should be multiplied.

    Every mixture is widened about its mean, $y \mapsto m + (y - m)/c$, and c minimises the mean
    negative log density (or CRPS, less moved by single gross errors) of held-out cells; its
    interval comes from resampling materials and splits. Use it when `HeldOut.summary` shows
    intervals that are too narrow or too wide and the model cannot be improved; prefer to improve
    the model (noise, outliers, a missing parent). It does not repair a bias. Levi et al. (2022),
    doi:10.3390/s22155540, for the factor.

    Args:
        held: Held-out predictions, as of `kfold`.
        score: What c minimises.
        seed: Seeds the resampling and the nested folds.

    Raises:
        DataError: Fewer than five materials: no factor can be judged on others.
    """
    held, seed = checked(held, HeldOut, "held"), seed_of(seed)
    score = checked(score, Literal["nll", "crps"], "score")
    n_materials = len(set(held.materials))
    if n_materials < N_NESTED:
        raise DataError(
            f"{n_materials} materials were held out: recalibration needs at least {N_NESTED}, so "
            "that each factor can be judged on materials that did not choose it."
        )
    losses = _losses(held, score)
    factors, maps, nested = {}, {}, torch.ones(held.n, dtype=torch.float64)
    folds = grouped_kfold(held.materials, N_NESTED, seed=seed)
    for j, prop in enumerate(held.properties):
        at = (held.columns == j).numpy()
        if not at.any():
            continue
        materials = np.asarray(held.materials, dtype=np.str_)[at]
        splits = held.splits.numpy()[at]
        best = _best(losses[at].mean(0, keepdims=True))[0]
        drawn = []
        for weights in resampled_weights(materials, splits, seed=seed):
            drawn.append(_best(weights[weights.sum(1) > 0] @ losses[at]))
        low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
        factors[prop.name] = Estimate(float(best), float(low), float(high))
        for others, test in folds:
            chosen, judged = np.intersect1d(others, np.flatnonzero(at)), test[at[test]]
            if len(chosen) and len(judged):
                found = _best(losses[chosen].mean(0, keepdims=True))[0]
                nested[torch.as_tensor(judged)] = float(found)
        if at.sum() >= MIN_FOR_MAP:
            pit = np.sort(held.pit.numpy()[at])
            maps[prop.name] = np.searchsorted(pit, LEVELS, side="right") / (len(pit) + 1)
    after = _widened(held, nested).summary(seed=seed)
    before = held.summary(seed=seed)
    return Recalibration(factors, maps, before, after, score, _warnings(factors, before))


def _warnings(factors: Mapping[str, Estimate], before: Summary) -> tuple[str, ...]:
    out = []
    for name in factors:
        n = before.counts[name].n_materials
        if n < MIN_MATERIALS:
            out.append(
                f"{name}: the factor rests on {n} materials (below {MIN_MATERIALS}): its interval "
                "is rough, so rather report it than apply it."
            )
        bias = before[name, "mean z"]
        if bias.excludes(0.0):
            out.append(f"{name}: predictions are biased (mean z {bias}), which no factor repairs.")
    return tuple(out)


def _widened(cells: Cells, factors: Tensor) -> Cells:
    mean = cells.mean
    return replace(
        cells,
        means=mean + factors * (cells.means - mean),
        latent_sds=cells.latent_sds * factors,
        noise_sds=cells.noise_sds * factors,
    )


def _losses(cells: CellPredictions, score: str) -> np.ndarray:
    """Score of every cell at every factor, `n x G`."""
    mean, error = cells.mean, cells.y - cells.mean
    columns = []

    def reach(y: Tensor) -> Tensor:
        return (cells.weights * absolute_moment(y - cells.means, cells.sds)).sum(0)

    half_spread = reach(cells.y) - cells.crps if score == "crps" else None
    for log_c in LOG_FACTORS:
        y = mean + error * torch.exp(-log_c)
        if half_spread is None:
            columns.append(nll_mixture(y, cells.means, cells.sds, weights=cells.weights) + log_c)
        else:
            columns.append(torch.exp(log_c) * (reach(y) - half_spread))
    return torch.stack(columns, -1).numpy()


def _best(losses: np.ndarray) -> np.ndarray:
    """Factor of the least loss in each row, by a parabola through the best three."""
    at = losses.argmin(1).clip(1, losses.shape[1] - 2)
    rows = np.arange(len(losses))
    left, middle, right = losses[rows, at - 1], losses[rows, at], losses[rows, at + 1]
    bend = left - 2 * middle + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    step = float(LOG_FACTORS[1] - LOG_FACTORS[0])
    return np.exp(LOG_FACTORS.numpy()[at] + step * shift.clip(-1, 1))
