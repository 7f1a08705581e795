"""Figures of many predictions with their intervals: per property first, then pooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bayesmat._arguments import checked, seed_of
from bayesmat._repr import Shown, listing, sheet
from bayesmat.errors import DataError

from .cells import CellPredictions
from .resampling import Estimate, resampled_means, with_floor
from .scores import interval_score

__all__ = ["LEVELS", "POOLED", "Difference", "Judged", "Summary", "difference", "summarise"]

LEVELS = (0.5, 0.8, 0.9, 0.95)
POOLED = "all"
_COVERAGE = tuple(f"coverage {level:.0%}" for level in LEVELS)
_SCORES = ("crps", "nll", "interval score 90%")
MEASURES = (*_COVERAGE, *_SCORES, "rmse", "sharpness", "mean z", "mean z^2")
_IN_UNITS = ("crps", "interval score 90%", "rmse", "sharpness")


@dataclass(frozen=True)
class Count:
    """What figures rest on: cells, materials and splits."""

    n: int
    n_materials: int
    n_splits: int

    def __str__(self) -> str:
        splits = f" in {self.n_splits} splits" if self.n_splits > 1 else ""
        return f"{self.n} values of {self.n_materials} materials{splits}"


@dataclass(frozen=True, eq=False, repr=False)
class Summary(Shown):
    """Coverage and scores with 95 % intervals, per property and pooled (`"all"`).

    CRPS, interval score, rmse and sharpness are in the property's unit (of its natural logarithm
    where it is log) and in standard deviations where pooled; nll is in nats in model space, where
    a constant Gaussian has about 1.42. Coverage of 50, 80, 90 and 95 % intervals should hold the
    level; "mean z" should hold 0 and "mean z^2" should hold 1.

    Attributes:
        estimates: Property, then measure.
        counts: What each property's figures rest on.
        units: Unit of each property.
    """

    estimates: Mapping[str, Mapping[str, Estimate]]
    counts: Mapping[str, Count]
    units: Mapping[str, str]

    def __getitem__(self, key: tuple[str, str]) -> Estimate:
        """Figure of (property, measure), such as ("gap", "coverage 90%")."""
        name, measure = key
        if name not in self.estimates or measure not in self.estimates[name]:
            raise DataError(
                f"there is no figure {measure!r} of {name!r}: properties are "
                f"{list(self.estimates)}, measures {list(MEASURES)}."
            )
        return self.estimates[name][measure]

    def to_frame(self) -> pd.DataFrame:
        """Long form: one row per property and measure with value, lower, upper and counts."""
        return pd.DataFrame(
            [
                {
                    "property": name, "unit": self.units[name], "measure": measure,
                    "value": e.value, "lower": e.lower, "upper": e.upper,
                    "n": self.counts[name].n, "n_materials": self.counts[name].n_materials,
                    "n_splits": self.counts[name].n_splits,
                }
                for name, measures in self.estimates.items()
                for measure, e in measures.items()
            ]
        )  # fmt: skip

    def coverage(self) -> pd.DataFrame:
        """Found coverage of every property and level, as `plots.coverage` draws it."""
        rows = self.to_frame()
        rows = rows[rows["measure"].str.startswith("coverage ")].rename(
            columns={"property": "target"}
        )
        level = rows["measure"].str.extract(r"(\d+)", expand=False).astype(float) / 100
        return rows.assign(level=level).reset_index(drop=True)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the figures rule out beyond chance (`Estimate.excludes`), in words."""
        return tuple(
            sentence
            for name in self.estimates
            if name != POOLED or len(self.estimates) == 1
            for sentence in _problems(name, self.estimates[name])
        )

    def table(self) -> pd.DataFrame:
        """One column per property, figures with intervals as text."""
        columns = {
            f"{name} [{self.units[name]}]" if self.units[name] else name: {
                "judged by": str(self.counts[name]),
                **{measure: str(e) for measure, e in measures.items()},
            }
            for name, measures in self.estimates.items()
        }
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        return "\n".join([self.table().to_string(), *self.problems])

    def _repr_html_(self) -> str:
        return sheet(self.table(), index="measure") + listing(self.problems)

    def _facts(self) -> dict[str, object]:
        return {"judged": {name: str(count) for name, count in self.counts.items()}}


def _problems(name: str, estimates: Mapping[str, Estimate]) -> Iterator[str]:
    square, bias = estimates["mean z^2"], estimates["mean z"]
    if square.excludes(1.0) and square.value > 1:
        yield (
            f"{name}: intervals are too narrow (mean z^2 {square}, should be 1): the noise or the "
            "extrapolation is underestimated. Look for outliers, then let the noise be inferred."
        )
    elif square.excludes(1.0):
        yield f"{name}: intervals are wider than the errors (mean z^2 {square}, should be 1)."
    if bias.excludes(0.0):
        side = "below" if bias.value > 0 else "above"
        yield f"{name}: predictions lie {side} the measured values (mean z {bias}, should be 0)."
    for level, measure in zip(LEVELS, _COVERAGE, strict=True):
        found = estimates[measure]
        if found.excludes(level):
            side = "fewer" if found.value < level else "more"
            yield f"{name}: {level:.0%} intervals hold {side} values than they say ({found})."


def _figures(cells: CellPredictions) -> np.ndarray:
    """What is averaged over cells for `MEASURES`, `n x q`, in model space."""
    inside = (2 * cells.pit - 1).abs()
    lower, upper = cells.interval(0.9)
    score = interval_score(cells.y, lower, upper, level=0.9)
    error, z = cells.y - cells.mean, cells.z
    columns = [(inside <= level).double() for level in LEVELS]
    columns += [cells.crps, cells.nll, score, error.square(), cells.sd.square(), z, z.square()]
    return torch.stack(columns, -1).numpy()


def _roots(means: np.ndarray) -> np.ndarray:
    out = means.copy()
    for name in ("rmse", "sharpness"):
        out[..., MEASURES.index(name)] = np.sqrt(means[..., MEASURES.index(name)])
    return out


def _targets(cells: CellPredictions) -> Iterator[tuple[str, np.ndarray, float, str]]:
    """Name, mask of cells, factor to its unit and unit of each property, then of all."""
    columns = cells.columns.numpy()
    for j, (prop, scale) in enumerate(zip(cells.properties, cells.scales, strict=True)):
        if (columns == j).any():
            unit = "natural log" if scale.log else prop.unit
            yield prop.name, columns == j, scale.sd, unit
    if len(np.unique(columns)) > 1:
        yield POOLED, np.ones(len(columns), dtype=bool), 1.0, "sd"


def _count(materials: np.ndarray, splits: np.ndarray) -> Count:
    return Count(len(materials), len(np.unique(materials)), len(np.unique(splits)))


def summarise(
    cells: CellPredictions, splits: Tensor | Sequence[int] | None = None, *, seed: int = 0
) -> Summary:
    """Coverage at 50, 80, 90 and 95 %, scores, sharpness and mean z, with 95 % intervals.

    Intervals come from resampling whole materials and whole splits (`check.resampled_weights`),
    not from counting cells.

    Args:
        cells: Predictions that did not see the values.
        splits: Split of each cell, `n`; one when not given.
        seed: Seeds the resampling.

    Raises:
        DataError: There is no cell.
    """
    cells, seed = checked(cells, CellPredictions, "cells"), seed_of(seed)
    if cells.n == 0:
        raise DataError("There is no measured value to judge the predictions by.")
    figures, materials = _figures(cells), np.asarray(cells.materials, dtype=np.str_)
    split = np.zeros(cells.n, dtype=int) if splits is None else np.asarray(splits)
    estimates, counts, units = {}, {}, {}
    for name, at, factor, unit in _targets(cells):
        found = resampled_means(figures[at], materials[at], split[at], seed=seed, transform=_roots)
        named = dict(zip(MEASURES, found, strict=True))
        for measure in _IN_UNITS:
            e = named[measure]
            named[measure] = Estimate(e.value * factor, e.lower * factor, e.upper * factor)
        counts[name] = _count(materials[at], split[at])
        for measure in _COVERAGE:
            named[measure] = with_floor(named[measure], counts[name].n_materials)
        estimates[name], units[name] = named, unit
    return Summary(estimates, counts, units)


@dataclass(frozen=True, eq=False, repr=False)
class Difference(Shown):
    """Paired differences of scores, first minus second: below 0 the first is better.

    Attributes:
        estimates: Property, then "crps" (in its unit), "nll" and "interval score 90%".
        counts: What they rest on.
    """

    estimates: Mapping[str, Mapping[str, Estimate]]
    counts: Mapping[str, Count]

    def __getitem__(self, key: tuple[str, str]) -> Estimate:
        """Difference of (property, measure), such as ("gap", "crps")."""
        return self.estimates[key[0]][key[1]]

    def to_frame(self) -> pd.DataFrame:
        """One row per property and score."""
        return pd.DataFrame(
            [
                {"property": name, "measure": m, "first minus second": e.value,
                 "lower": e.lower, "upper": e.upper, "n": self.counts[name].n}
                for name, measures in self.estimates.items()
                for m, e in measures.items()
            ]
        )  # fmt: skip

    def __str__(self) -> str:
        lines = []
        for name, measures in self.estimates.items():
            for measure, e in measures.items():
                verdict = "no difference shown"
                if e.lower < e.upper and not e.holds(0):
                    verdict = f"the first is {'better' if e.upper < 0 else 'worse'}"
                lines.append(f"{name}: {measure} {e} ({self.counts[name]}): {verdict}.")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return sheet(self.to_frame())

    def _facts(self) -> dict[str, object]:
        return {"judged": {name: str(count) for name, count in self.counts.items()}}


def difference(
    first: CellPredictions, second: CellPredictions, splits: Tensor, *, seed: int = 0
) -> Difference:
    """Score differences of two predictions of the same cells in the same order and scales."""
    chosen = [MEASURES.index(name) for name in _SCORES]
    gap = (_figures(first) - _figures(second))[:, chosen]
    materials, split = np.asarray(first.materials, dtype=np.str_), splits.numpy()
    estimates, counts = {}, {}
    for name, at, factor, _ in _targets(first):
        found = resampled_means(gap[at], materials[at], split[at], seed=seed)
        scale = [factor if measure in _IN_UNITS else 1.0 for measure in _SCORES]
        estimates[name] = {
            measure: Estimate(e.value * s, e.lower * s, e.upper * s)
            for measure, e, s in zip(_SCORES, found, scale, strict=True)
        }
        counts[name] = _count(materials[at], split[at])
    return Difference(estimates, counts)


@dataclass(frozen=True, eq=False, repr=False)
class Judged(CellPredictions):
    """Predictions of cells by models that did not see them: summed up, and subtracted in pairs."""

    @property
    def _splits(self) -> Tensor:
        return torch.zeros(self.n, dtype=torch.int64)

    def summary(self, *, seed: int = 0) -> Summary:
        """Coverage and scores with intervals from resampling materials and splits."""
        seed = seed_of(seed)
        return summarise(self, self._splits, seed=seed)

    def minus(self, other: Judged, *, seed: int = 0) -> Difference:
        """Paired difference of scores from another model's on the same cells; below 0 is better.

        Properties that only one of them predicts are left aside. `first - second` is the same.

        Raises:
            DataError: The cells (split, row, material, property) or their values differ.
        """
        other, seed = checked(other, Judged, "other"), seed_of(seed)
        mine, theirs = self._order(other), other._order(self)
        if not mine or [key for key, _ in mine] != [key for key, _ in theirs]:
            only = sorted({key for key, _ in mine} ^ {key for key, _ in theirs})
            raise DataError(
                f"The two did not predict the same cells: {len(only)} of (split, row, material, "
                f"property) are in one only, such as {only[:3]}. Give both the same table, the "
                "same splits, and a property in common."
            )
        order = [i for _, i in mine]
        first, second = self._cells(order), other._cells([i for _, i in theirs])
        scales = {p.name: s for p, s in zip(self.properties, self.scales, strict=True)}
        known = zip(other.properties, other.scales, strict=True)
        second = second.in_scales([scales.get(p.name, s) for p, s in known])
        if not torch.allclose(first.y, second.y, atol=1e-6):
            raise DataError(
                "The two were judged by different measured values: were both given the same table, "
                "and do both declare the same properties as log?"
            )
        return difference(first, second, self._splits[order], seed=seed)

    def __sub__(self, other: Judged) -> Difference:
        """`minus` with its default seed."""
        return self.minus(other)

    def _order(self, other: Judged) -> list[tuple[tuple[int, int, str, str], int]]:
        """What makes a cell the same one, and its position, for properties that both predict."""
        names = [self.properties[j].name for j in self.columns.tolist()]
        shared = {other.properties[j].name for j in other.columns.tolist()}
        keys = zip(self._splits.tolist(), self.rows.tolist(), self.materials, names, strict=True)
        return sorted((key, i) for i, key in enumerate(keys) if key[-1] in shared)

    def _cells(self, index: list[int]) -> CellPredictions:
        """These cells, in this order."""
        tensors = {
            name: getattr(self, name)[..., index]
            for name in ("columns", "rows", "y", "means", "latent_sds", "noise_sds", "weights")
        }
        materials = tuple(self.materials[i] for i in index)
        return CellPredictions(self.properties, self.scales, materials=materials, **tensors)
