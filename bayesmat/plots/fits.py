"""Figures of a fit: what its left-out predictions are called in the words of each figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

import numpy as np

from bayesmat.check.predictive import LOO, loo
from bayesmat.check.relevance import Relevance, relevance
from bayesmat.check.summary import Judged
from bayesmat.data.properties import Property
from bayesmat.errors import DataError
from bayesmat.models.answers import scalars
from bayesmat.models.base import Fitted
from bayesmat.models.model import GenerativePrior

from .style import Chart

__all__ = ["of_fits"]

P = ParamSpec("P")
Options = Mapping[str, Any]
Draws = Mapping[str, np.ndarray]
_N_PRIOR = 1000


def of_fits(
    read: Callable[[Judged, Options], Options],
) -> Callable[[Callable[P, Chart]], Callable[..., Chart]]:
    """Let a figure take a fit (judged by leave-one-out) or cells; `read` finds its arguments."""

    def decorate(draw: Callable[P, Chart]) -> Callable[..., Chart]:
        figure: Callable[..., Chart] = draw

        @wraps(draw)
        def drawn(*args: Any, **options: Any) -> Chart:
            if len(args) != 1 or not isinstance(args[0], Fitted | Judged):
                return figure(*args, **options)
            cells = loo(args[0]) if isinstance(args[0], Fitted) else args[0]
            found: dict[str, Any] = {**read(cells, options), **options}
            return figure(**found)

        return drawn

    return decorate


def parity_of(cells: Judged, options: Options) -> Options:
    """Measured and predicted values of the one property, with intervals.

    Raises:
        DataError: The cells are of several properties.
    """
    grid = parity_grid_of(cells, options)
    (prop, *more) = grid["properties"]
    if more:
        names = [p.name for p in (prop, *more)]
        raise DataError(f"parity draws one property, and these are {names}: use parity_grid.")
    columns = ("measured", "median", "lower", "upper")
    return {"prop": prop, **{name: grid["frame"][name] for name in columns}}


def parity_grid_of(cells: Judged, options: Options) -> Options:
    """Measured and predicted values of every property."""
    level = options.get("level", 0.9)
    frame = cells.to_frame(level=level)
    ends = {f"{level:.0%} {end}": end for end in ("lower", "upper")}
    drawn: list[Property] = [cells.properties[j] for j in cells.columns.unique().tolist()]
    return {"frame": frame.rename(columns=ends), "properties": drawn}


def coverage_of(cells: Judged, _: Options) -> Options:
    """Found coverage of every property and level."""
    return {"frame": cells.summary().coverage()}


def pit_of(cells: Judged, _: Options) -> Options:
    """Probabilities of a smaller value, of all cells."""
    return {"pit": cells.pit.numpy()}


def pits_of(cells: Judged, _: Options) -> Options:
    """Probabilities of a smaller value, by property."""
    columns = cells.columns
    pits = {cells.properties[j].name: cells.pit[columns == j] for j in columns.unique().tolist()}
    return {"values": {name: values.numpy() for name, values in pits.items()}}


def influence_of(cells: Judged, options: Options) -> Options:
    """Pareto k of what was left out where weights were smoothed, else z of every cell."""
    if isinstance(cells, LOO) and options.get("measure") != "z" and cells.pareto_k.isfinite().any():
        return {"values": cells.pareto_k.numpy(), "labels": cells.labels, "measure": "pareto_k"}
    return {"values": cells.z.numpy(), "labels": cells.materials, "measure": "z"}


def hyper_of(fitted: Fitted, most: int) -> tuple[Draws, Draws, list[str]]:
    """Scalar parameters after and before the data, and which of them belong on a log axis.

    Without noise that no cell informs, all of them stating theirs. If there are more than `most`,
    those whose median moved furthest in prior sds.

    Raises:
        DataError: The prior cannot be drawn from, or nothing was inferred.
    """
    drawn = scalars(fitted.model.draws)
    after = {k: v.numpy() for k, v in drawn.items() if k not in fitted.model.uninformed}
    if not isinstance(fitted.prior, GenerativePrior) or len(fitted.model.noise_sd) < 2 or not after:
        raise DataError(
            "This fit has no parameters to compare with their prior: the prior cannot be drawn "
            "from, or its parameters were given. Hand over draws of both by name."
        )
    X = fitted.layout(fitted.table.rows[:1])
    sampled = fitted.prior.sample(X, _N_PRIOR, layout=fitted.layout, seed=0).parameters
    before = {name: v.numpy() for name, v in scalars(sampled).items()}
    chosen = [name for name in after if name in before]
    if len(chosen) > most:
        moved = [
            abs(np.median(after[k]) - np.median(before[k])) / max(before[k].std(), 1e-300)
            for k in chosen
        ]
        kept = np.sort(np.argsort(moved, kind="stable")[-most:])
        chosen = [chosen[i] for i in kept.tolist()]
    log = [name for name in chosen if min(before[name].min(), after[name].min()) > 0]
    return {k: after[k] for k in chosen}, {k: before[k] for k in chosen}, log


def shares_in(source: Fitted | Relevance, prop: str) -> tuple[str, Draws, Mapping[str, float]]:
    """Name, shares and inclusion of a property; of the only one where none is named.

    Raises:
        DataError: It is not one of the fit's properties, or which one is meant is open.
    """
    found = relevance(source) if isinstance(source, Fitted) else source
    names = list(found.shares)
    name = names[0] if len(names) == 1 and not prop else prop
    if name not in names:
        raise DataError(f"prop is {prop!r}: give the property to draw, one of {names}.")
    return name, found.shares[name], found.inclusion[name]
