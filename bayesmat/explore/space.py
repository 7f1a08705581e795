"""Candidates from a space of conditions, searched anew in each round."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from botorch.acquisition import AcquisitionFunction
from botorch.optim import optimize_acqf
from scipy.stats import qmc
from torch import Tensor

from bayesmat._arguments import checked, items, names, real, seed_of
from bayesmat._bounds import at_least
from bayesmat._repr import Shown
from bayesmat.data.rows import Rows
from bayesmat.data.table import PropertyTable
from bayesmat.errors import ArgumentError, DesignError
from bayesmat.explore.acquisition import RegionProbability
from bayesmat.explore.board import Board
from bayesmat.explore.candidates import Candidates
from bayesmat.explore.goals import Goal, Maximize, aimed, at_of, at_words, extremes, spelled
from bayesmat.explore.improvement import improvement
from bayesmat.inference.seeds import spawn
from bayesmat.models.base import Fitted

__all__ = ["ConditionSpace"]

_SCALES = (0.02, 0.1)  # of the steps around good rows, in widths of the intervals
_GOOD, _STEPS = 8, 32  # rows that are looked around, and steps from each
_SET_DIGITS = 4  # of a value that is proposed
_CLIMBS, _MOST_STEPS, _SAMPLES = 8, 50, 64  # of gradients: starts, steps, draws of qLogNEI
_MOST_COMBINATIONS = 4  # of levels, each climbed for itself


@dataclass(frozen=True, repr=False)
class ConditionSpace(Shown):
    """Conditions within intervals and on levels, for recipes or for given materials.

    Each round looks at points that fill the space evenly (Sobol), at points around the best rows so
    far and, for recipes, at the tops that gradients of the acquisition function climb to. Use it
    where a process can be set to any value; where a list says what can be made, use `Pool`.

    Attributes:
        intervals: Condition -> smallest and largest value, in the units of the table.
        levels: Condition -> the values or categories that it can have.
        materials: Materials to combine with them; None for recipes.
        n: Points that fill the space, a power of two.

    Raises:
        ArgumentError: An interval is empty or not finite, a condition is there twice, or n is no
            power of two.
        DesignError: There is no condition.

    >>> ConditionSpace({"temperature": (300, 400)}, {"solvent": ["water", "dmf"]})
    ConditionSpace(temperature=300 to 400, solvent=water, dmf)
    """

    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    levels: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    materials: tuple[str, ...] | None = None
    n: int = 512

    def __post_init__(self) -> None:
        given = checked(self.intervals, Mapping[str, object], "ConditionSpace(intervals)")
        intervals = {name: _interval(name, ends) for name, ends in given.items()}
        listed = checked(self.levels, Mapping, "ConditionSpace(levels)")
        levels = {str(name): tuple(items(values, str(name))) for name, values in listed.items()}
        levels = {name: tuple(dict.fromkeys(values)) for name, values in levels.items()}
        twice = [name for name in levels if name in intervals]
        empty = [name for name, values in levels.items() if not values]
        if twice or empty:
            raise ArgumentError(
                f"conditions {twice} have an interval and levels, {empty} no level: give each an "
                "interval or at least one level."
            )
        if not intervals and not levels:
            raise DesignError("the space has no condition: give at least one interval or level.")
        if self.materials is not None:
            object.__setattr__(self, "materials", names(self.materials, "ConditionSpace"))
            if not self.materials:
                raise DesignError(
                    "the space holds no material: name at least one, or leave materials out where "
                    "rows are recipes."
                )
        at_least(self, 1, "n")
        if self.n & (self.n - 1):
            raise ArgumentError(f"n is {self.n}: give a power of two, which Sobol points need.")
        object.__setattr__(self, "intervals", intervals)
        object.__setattr__(self, "levels", levels)

    @property
    def digest(self) -> str:
        """Hash of intervals, levels and materials."""
        text = json.dumps([self.intervals, self.levels, self.materials, self.n])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def rows(
        self,
        table: PropertyTable,
        goals: Sequence[Goal] = (),
        *,
        n: int | None = None,
        seed: int = 0,
    ) -> Rows:
        """Points that fill the space; where the goals name a condition, it is theirs.

        Raises:
            MaterialError: Materials that cannot be read.
            DataError: Conditions that the table lacks, or those of the table that are missing.
            DesignError: The goals are meant outside of the space, or fix all of it.
        """
        return self._meant(goals)._even(table, goals, n or self.n, seed_of(seed))

    def _meant(self, goals: Sequence[Goal]) -> ConditionSpace:
        """The part of the space that is free where the goals are meant."""
        at = at_of(goals)
        limits = {
            name: f"goes from {low:g} to {high:g}"
            for name, (low, high) in self.intervals.items()
            if name in at and not low <= real(at[name], f"at[{name!r}]") <= high
        }
        limits |= {
            name: f"can be {', '.join(map(str, values))}"
            for name, values in self.levels.items()
            if name in at and spelled(at[name]) not in map(spelled, values)
        }
        if limits:
            outside = "; ".join(
                f"{name} = {at[name]}, which {said}" for name, said in limits.items()
            )
            raise DesignError(
                f"the goals are meant at {outside}: no measurement in the space could "
                "meet them. Widen the space, leave these conditions out of it, or out of `at`."
            )
        intervals = {name: ends for name, ends in self.intervals.items() if name not in at}
        levels = {name: values for name, values in self.levels.items() if name not in at}
        if not intervals and not levels:
            raise DesignError(
                f"the goals are meant{at_words(at)}, which leaves no condition of the space to "
                "choose: choose materials from bm.Pool(materials), or leave `at` out of the goals."
            )
        return replace(self, intervals=intervals, levels=levels)

    def _even(self, table: PropertyTable, goals: Sequence[Goal], n: int, seed: int) -> Rows:
        width = len(self.intervals) + len(self.levels) + 1
        unit = qmc.Sobol(width, rng=np.random.default_rng(seed)).random(n)
        return self._at(table, goals, unit)

    def _at(self, table: PropertyTable, goals: Sequence[Goal], unit: np.ndarray) -> Rows:
        """Rows at coordinates in the unit cube: intervals, levels, material."""
        given: dict[str, Any] = {}
        for j, (name, (low, high)) in enumerate(self.intervals.items()):
            given[name] = _settable(low + (high - low) * unit[:, j], low, high)
        for j, (name, values) in enumerate(self.levels.items(), start=len(self.intervals)):
            given[name] = [values[int(u * len(values))] for u in unit[:, j]]
        at = {name: value for name, value in at_of(goals).items() if name not in given}
        keys = self.materials
        if keys is not None:
            keys = tuple(keys[int(u * len(keys))] for u in unit[:, -1])
        return Rows.of(table, keys, {**given, **at})

    def __call__(
        self, fitted: Fitted, goals: Sequence[Goal], *, exclude: Collection[str], seed: int
    ) -> Candidates:
        """Points that fill the space, surround the best, and are tops, without what is excluded."""
        space = self._meant(goals)
        even = space._even(fitted.table, goals, self.n, spawn(seed, "even"))
        around = space._around(fitted, goals, spawn(seed, "around"))
        found = [even, around]
        if space.materials is None and space.intervals:
            found.append(space._tops(fitted, goals, even, spawn(seed, "tops")))
        values = np.vstack([rows.conditions for rows in found])
        texts = None if even.materials is None else tuple(m for rows in found for m in rows)
        rows = Rows(texts, values, even.columns).distinct().without(exclude)
        if not len(rows):
            raise DesignError(
                "every row of the space has been used: widen its intervals or give more levels."
            )
        return Candidates(rows, {"source": f"space of {len(self.intervals) + len(self.levels)}"})

    def _around(self, fitted: Fitted, goals: Sequence[Goal], seed: int) -> Rows:
        """Steps from the measured rows that are best for the goals, inside of the space."""
        table, rng = fitted.table, np.random.default_rng(seed)
        known_rows = table.rows.distinct()
        merit = _merit(fitted, goals, known_rows)
        good = torch.topk(merit, min(_GOOD, len(merit))).indices.numpy()
        start = known_rows.take(np.repeat(good, _STEPS))
        unit = rng.uniform(size=(len(start), len(self.intervals) + len(self.levels) + 1))
        known = [c.name for c in start.columns]
        for j, (name, (low, high)) in enumerate(self.intervals.items()):
            at = (start.conditions[:, known.index(name)] - low) / (high - low)
            step = rng.choice(_SCALES, len(start)) * rng.normal(size=len(start))
            unit[:, j] = np.clip(at + step * (rng.uniform(size=len(start)) < 0.5), 0, 1)
        return self._at(table, goals, unit)

    def _tops(self, fitted: Fitted, goals: Sequence[Goal], even: Rows, seed: int) -> Rows:
        """Local optima of the acquisition function over the intervals, for the best levels."""
        acquisition, X = _acquisition(fitted, goals, seed), fitted.layout(aimed(even, goals))
        with torch.no_grad():
            value = torch.cat([acquisition(some) for some in X[:, None].split(64)])
        free = [fitted.layout.condition(name).start for name in self.intervals]
        fixed = [j for j in range(X.shape[1]) if j not in free]
        starts: dict[tuple[float, ...], list[int]] = {}
        for i in value.argsort(descending=True).tolist():
            starts.setdefault(tuple(X[i, fixed].tolist()), []).append(i)
        bounds = torch.stack([X.amin(0), X.amax(0)])
        bounds[:, free] = torch.tensor(list(self.intervals.values()), dtype=torch.float64).T
        columns = [[c.name for c in even.columns].index(name) for name in self.intervals]
        found = []
        for levels, rows in list(starts.items())[:_MOST_COMBINATIONS]:
            tops, _ = optimize_acqf(
                acquisition,
                bounds,
                q=1,
                num_restarts=len(rows[:_CLIMBS]),
                batch_initial_conditions=X[rows[:_CLIMBS], None],
                fixed_features=dict(zip(fixed, levels, strict=True)) or None,
                options={"maxiter": _MOST_STEPS},
                return_best_only=False,
            )
            values = np.array(even.conditions[rows[:_CLIMBS]])
            for j, column in enumerate(columns):
                ends = list(self.intervals.values())[j]
                values[:, column] = _settable(tops[:, 0, free[j]].numpy(), *ends)
            found.append(values)
        return Rows(None, np.vstack(found), even.columns)

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {n: f"{a:g} to {b:g}" for n, (a, b) in self.intervals.items()}
        facts |= self.levels
        return facts | ({} if self.materials is None else {"materials": self.materials[:4]})


def _settable(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values to four digits of the width of their interval, or their own: nobody can set more.

    >>> _settable(np.array([95.9021505518, 60.0]), 60.0, 120.0).tolist()
    [95.9, 60.0]
    >>> _settable(np.array([3.14159e-4, 0.5]), 1e-5, 1.0).tolist()
    [0.0003142, 0.5]
    """
    size = np.minimum(np.abs(values), high - low)
    size = np.where(size > 0, size, high - low)
    digits = (_SET_DIGITS - 1 - np.floor(np.log10(size))).astype(int)
    rounded = [round(float(v), int(d)) for v, d in zip(values, digits, strict=True)]
    return np.clip(rounded, low, high)


def _interval(name: str, given: object) -> tuple[float, float]:
    ends = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if len(ends) != 2:
        shown = ends if len(ends) < 2 else f"{len(ends)} values"
        raise ArgumentError(
            f"the interval of {name!r} is {shown}: give its two ends, and values that it can only "
            f"have one by one as levels={{{name!r}: [...]}}."
        )
    low, high = (real(end, f"an end of the interval of {name!r}") for end in ends)
    if not (np.isfinite([low, high]).all() and low < high):
        raise ArgumentError(
            f"the interval of {name!r} goes from {low:g} to {high:g}: give finite numbers, the "
            "smaller one first."
        )
    return low, high


def _merit(fitted: Fitted, goals: Sequence[Goal], rows: Rows) -> Tensor:
    """How good rows are for the goals, as predicted, shape `n`."""
    board = Board.of(fitted, Candidates(rows), goals)
    wanted = extremes(goals)
    if wanted:
        j = fitted.table.property_names.index(wanted[0].property)
        return board.marginals.mixture_mean[:, j] * (1 if isinstance(wanted[0], Maximize) else -1)
    return board.marginals.log_probability(board.region.lower, board.region.upper)


def _acquisition(fitted: Fitted, goals: Sequence[Goal], seed: int) -> AcquisitionFunction:
    if extremes(goals):
        return improvement(fitted, goals, seed=seed, n_samples=_SAMPLES)
    return RegionProbability.for_goals(fitted, goals)
