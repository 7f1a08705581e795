"""Figures of a fit: what its left-out predictions are called in the words of each figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from bayesmat.check.predictive import LOO, loo
from bayesmat.check.summary import Judged
from bayesmat.data.properties import Property
from bayesmat.errors import DataError
from bayesmat.models.base import Fitted

from .style import Chart

__all__ = ["of_fits"]

P = ParamSpec("P")
Options = Mapping[str, Any]


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
