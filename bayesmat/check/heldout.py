"""Held-out predictions over splits: refit without some materials, predict them, judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from bayesmat._arguments import checked, names, seed_of
from bayesmat.data.splits import grouped_kfold, groups_of
from bayesmat.data.table import Property, PropertyTable, Scale
from bayesmat.errors import ArgumentError, DataError
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import fit
from bayesmat.models.model import Prior

from .cells import predicted
from .scores import ArrayLike, float64, positive
from .summary import Judged

__all__ = ["HeldOut", "held_out", "kfold"]

Split = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False, repr=False)
class HeldOut(Judged):
    """Predictions of cells by models that were not fitted to their materials, over many splits.

    Attributes:
        splits: Split in which the cell was held out, `n`: one fit each.
    """

    splits: Tensor

    @staticmethod
    def of(
        property: Property,
        y: ArrayLike,
        means: ArrayLike,
        sds: ArrayLike,
        *,
        materials: Sequence[str],
        splits: Sequence[int] | None = None,
        rows: Sequence[int] | None = None,
    ) -> HeldOut:
        """Gaussian or mixture predictions made elsewhere, of one property: a baseline to compare.

        Args:
            property: What was predicted.
            y: Measured values in its unit, `n`.
            means: Means of the property, of its natural logarithm if it is log; `n` or `S x n`.
            sds: Sds of a measurement on the same scale, of the same shape. They are taken as
                noise, since what part of them is latent is unknown.
            materials: Material of each cell, `n`.
            splits: Split of each cell, `n`; one when not given.
            rows: Row of the table of each cell, `n`, to pair it with other predictions.

        Raises:
            DataError: Shapes do not fit or entries are not finite.
        """
        property, materials = checked(property, Property, "property"), names(materials, "materials")
        measured = float64(y, "y")
        centres = torch.atleast_2d(float64(means, "means"))
        widths = torch.atleast_2d(positive(sds, "sds"))
        n = measured.shape[0]
        index = torch.arange(n) if rows is None else torch.as_tensor(rows)
        split = torch.zeros(n, dtype=torch.int64) if splits is None else torch.as_tensor(splits)
        sizes = {"means": centres.shape[1], "sds": widths.shape[1], "materials": len(materials)}
        sizes |= {"splits": len(split), "rows": len(index)}
        wrong = {name: size for name, size in sizes.items() if size != n}
        if wrong or centres.shape != widths.shape:
            raise DataError(
                f"There are {n} values, but {wrong or 'means and sds of different shapes'}: give "
                "one entry per measured value, and as many components of means as of sds."
            )
        log = property.scale == "log"
        identity = Scale(log, 0.0, 1.0)
        held = HeldOut(
            (property,), (identity,), torch.zeros(n, dtype=torch.int64), tuple(materials), index,
            identity.to_model(measured), centres, torch.full_like(widths, 1e-12), widths,
            torch.full_like(centres, 1 / len(centres)), split,
        )  # fmt: skip
        return held.in_scales([Scale.of(measured.numpy(), log=log)])

    @staticmethod
    def join(parts: Iterable[HeldOut]) -> HeldOut:
        """Several records of the same table as one; the splits are those of the parts.

        Raises:
            DataError: There is no part, or properties or scales differ.
        """
        parts = checked(parts, Iterable[HeldOut], "parts")
        found = list(parts)
        if not found:
            raise DataError("There are no held-out predictions to join.")
        first = found[0]
        if any(p.properties != first.properties or p.scales != first.scales for p in found):
            raise DataError(
                "Held-out predictions of different properties or scales cannot be joined: bring "
                "them to one scale with in_scales() and judge each property by itself."
            )
        size = max(len(part.means) for part in found)
        padded = [part._padded(size) for part in found]
        merged: dict[str, Any] = {
            name: torch.cat([getattr(part, name) for part in padded], -1) for name in _tensors()
        }
        materials = tuple(m for part in found for m in part.materials)
        return replace(first, materials=materials, **merged)

    def _padded(self, size: int) -> HeldOut:
        """With components of no weight up to a number of components."""
        extra = torch.zeros(size - len(self.means), self.n, dtype=torch.float64)
        return replace(
            self,
            means=torch.cat([self.means, extra]),
            latent_sds=torch.cat([self.latent_sds, extra + 1]),
            noise_sds=torch.cat([self.noise_sds, extra + 1]),
            weights=torch.cat([self.weights, extra]),
        )

    def select(self, mask: Tensor | Sequence[bool]) -> HeldOut:
        """The cells where a mask of `n` booleans is true.

        Raises:
            DataError: It is no mask of this many booleans.
        """
        found = np.asarray(mask)
        if found.dtype != np.bool_ or found.shape != (self.n,):
            raise DataError(
                f"the mask has shape {found.shape} and holds {found.dtype}: give True or False for "
                f"each of the {self.n} cells, like held.rows < 10."
            )
        return self._at(np.flatnonzero(found).tolist())

    def of_property(self, name: str) -> HeldOut:
        """The cells of one property.

        Raises:
            DataError: Nothing of it was held out.
        """
        name = checked(name, str, "name")
        names = [prop.name for prop in self.properties]
        if name not in names:
            raise DataError(f"{name!r} was not predicted; held out were {names}.")
        return self.select(self.columns == names.index(name))

    @property
    def _splits(self) -> Tensor:
        return self.splits

    def _at(self, index: list[int]) -> HeldOut:
        moved: dict[str, Any] = {name: getattr(self, name)[..., index] for name in _tensors()}
        return replace(self, materials=tuple(self.materials[i] for i in index), **moved)

    def to_frame(self, *, level: float = 0.9) -> pd.DataFrame:
        """One row per cell, in physical units, with its split."""
        level = checked(level, float, "level")
        frame = super().to_frame(level=level)
        frame.insert(3, "split", self.splits.numpy())
        return frame

    def __str__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def _tensors() -> tuple[str, ...]:
    """Names of the fields with one entry per cell along the last dimension."""
    return tuple(f.name for f in fields(HeldOut) if f.type == "Tensor")


def held_out(prior: Prior, table: PropertyTable, splits: Sequence[Split], *, seed: int) -> HeldOut:
    """Fit to the training rows of each split and predict the measured cells of its test rows.

    Use it for splits of your own: learning curves, time, laboratories. Rows of one material on
    both sides make predictions look better than they are; `data.splits` keeps them together.

    Args:
        prior: The prior; it is conditioned once per split.
        table: Measurements; only the prior's properties are used.
        splits: Pairs of row indices (train, test).
        seed: Seeds the fits, each with a stream of its own.

    Raises:
        DataError: A split is no pair, names rows that are not there, tests a row that it trains on,
            or leaves fewer than two training values of a property that it tests.
        ModelError: The table lacks a property of the prior.
    """
    prior, table = checked(prior, Prior, "prior"), checked(table, PropertyTable, "table")
    splits, seed = checked(splits, Sequence[Sequence], "splits"), seed_of(seed)
    known = [name for name in prior.properties if name in table.property_names]
    table = table.select(known)
    read = [_split(table, split, i) for i, split in enumerate(splits)]
    scales = table.scales
    parts = []
    for i, (train, test) in enumerate(tqdm(read, desc="held-out fits", delay=2, leave=False)):
        fitted = fit(prior, table.subset(train), seed=spawn(seed, f"split {i}"), explain=False)
        cells = predicted(fitted, table.subset(test)).in_scales(scales)
        rows = torch.as_tensor(test)[cells.rows]
        split = torch.full((cells.n,), i, dtype=torch.int64)
        part = HeldOut(
            cells.properties, cells.scales, cells.columns, cells.materials, rows, cells.y,
            cells.means, cells.latent_sds, cells.noise_sds, cells.weights, split,
        )  # fmt: skip
        parts.append(part)
    return HeldOut.join(parts)


def kfold(
    prior: Prior,
    table: PropertyTable,
    *,
    n_folds: int = 5,
    repeats: int = 1,
    seed: int,
    by: Literal["material", "constitution", "scaffold", "group"] = "material",
) -> HeldOut:
    """Cross-validation in which no material (scaffold, group) is on both sides.

    The honest figure where leave-one-out has large Pareto k, and the only one for a prediction on
    a new material where replicates exist. Each fold refits, hyper-parameters included. Several
    repeats with other folds show how much depends on the training set.

    Args:
        prior: The prior.
        table: Measurements.
        n_folds: Folds per repeat.
        repeats: Times that the table is cut into folds.
        seed: Seeds folds and fits.
        by: What a fold keeps together, see `data.splits.groups_of`.

    Returns:
        Every measured cell, once per repeat; split r * n_folds + k is fold k of repeat r.

    Raises:
        DataError: Fewer groups than folds, or a fold leaves a property without training values.
    """
    table, n_folds = checked(table, PropertyTable, "table"), checked(n_folds, int, "n_folds")
    repeats, seed = checked(repeats, int, "repeats"), seed_of(seed)
    if repeats < 1:
        raise DataError(f"repeats is {repeats}: cut the table into folds at least once.")
    groups = groups_of(table, by)
    splits = [
        split
        for r in range(repeats)
        for split in grouped_kfold(groups, n_folds, seed=spawn(seed, f"repeat {r}"))
    ]
    return held_out(prior, table, splits, seed=seed)


def _split(table: PropertyTable, split: Sequence[object], i: int) -> Split:
    """The row numbers of a split whose test rows it is not trained on."""
    if len(split) != 2:
        raise DataError(f"Split {i} has {len(split)} parts: give two lists of rows, (train, test).")
    try:
        train, test = (table.row_numbers(cast(np.ndarray, rows)) for rows in split)
    except (ArgumentError, DataError) as error:
        raise DataError(f"Split {i}: {error}") from error
    both = [f"{row} ({table.materials[row]})" for row in np.intersect1d(train, test)]
    if both:
        more = f" and {len(both) - 20} more" if len(both) > 20 else ""
        raise DataError(
            f"Split {i} tests rows that it trains on, so they would not be held out: "
            f"{', '.join(both[:20])}{more}. Leave them out of one side."
        )
    _check_split(table, train, test, i)
    return train, test


def _check_split(table: PropertyTable, train: np.ndarray, test: np.ndarray, i: int) -> None:
    measured = ~np.isnan(table.values)
    n_train, n_test = measured[train].sum(0), measured[test].sum(0)
    lacking = [
        f"{name!r} ({n_train[j]} to train on, {n_test[j]} to test)"
        for j, name in enumerate(table.property_names)
        if n_test[j] > 0 and n_train[j] < 2
    ]
    if lacking:
        raise DataError(
            f"Split {i} leaves too few training values of {', '.join(lacking)}: a property needs "
            "two to have a scale. Use fewer folds, or leave the property out."
        )
