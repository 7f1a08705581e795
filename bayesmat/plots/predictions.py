"""What was predicted against what was measured, point by point and along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bayesmat._arguments import array
from bayesmat.data.properties import Property
from bayesmat.errors import DataError

from .fits import of_fits, parity_grid_of, parity_of
from .style import (
    ARMS,
    MANY,
    MARKERS,
    MEASURED,
    MISSED,
    MUTED,
    PREDICTED,
    WIDTH,
    Chart,
    check_columns,
    in_style,
    new_chart,
    new_grid,
    panel_title,
    point_style,
    prop_label,
    scale_axis,
    short,
    span_of,
    vectors,
)

__all__ = ["bands", "parity", "parity_grid"]

_MAX_PANELS = 24
_MAX_SPLITS = 6
_MAX_NAMED = 30


@of_fits(parity_of)
@in_style
def parity(
    measured: np.ndarray,
    median: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    prop: Property,
    level: float = 0.9,
    split: Sequence[str] | None = None,
) -> Chart:
    """Predicted against measured values, with the predicted intervals as bars.

    How to read it: on the grey line the prediction is right. Misses, values outside their
    interval, are drawn open, so that coverage can be counted by eye; a tilt away from the line at
    the ends is shrinkage to the mean, which little data always brings. From 1500 values on the
    bars are left out and misses are orange.

    Of a fit, by leave-one-out: `parity(fitted)`; also of what `check.loo` and `check.kfold` say.

    Args:
        measured: Measured values, `n`, in the property's unit.
        median: Predicted medians, `n`.
        lower: Lower ends of the intervals, `n`.
        upper: Upper ends, `n`.
        prop: What is predicted; a log property gets log axes.
        level: Level of the intervals, for the legend.
        split: Label of each value, such as "training" and "held out", `n`: a colour and a shape
            for each, and a count of its own.

    Raises:
        DataError: Arrays that are empty or disagree in length, or over 6 splits.
    """
    arrays = vectors({"measured": measured, "median": median, "lower": lower, "upper": upper})
    figure, ax = new_chart(5.6, 5.4)
    _draw_parity(ax, arrays, prop, level, None if split is None else list(map(str, split)))
    label = prop_label(prop, 42)
    ax.set(xlabel=f"measured {label}", ylabel=f"predicted {label}")
    figure.legend(
        loc="outside lower center", markerscale=2.5 if len(arrays[0]) > MANY else 1,
        title=None if split is None else f"filled: inside the {level:.0%} interval, open: outside",
    )  # fmt: skip
    return figure


@of_fits(parity_grid_of)
@in_style
def parity_grid(
    frame: pd.DataFrame, *, properties: Sequence[Property], level: float = 0.9
) -> Chart:
    """`parity` for several properties, side by side; of a fit, `parity_grid(fitted)`.

    Args:
        frame: One row per value, with columns `property` (its name), `measured`, `median`,
            `lower`, `upper` (in the property's unit) and, if wanted, `split`.
        properties: The properties to draw, in this order; each needs a row.
        level: Level of the intervals.

    Raises:
        DataError: A column or a property that is missing, or more than 24 properties.
    """
    columns = ["measured", "median", "lower", "upper"]
    check_columns(frame, ["property", *columns], "parity")
    absent = [p.name for p in properties if not (frame["property"] == p.name).any()]
    if absent or not 0 < len(properties) <= _MAX_PANELS:
        raise DataError(
            f"Cannot draw {len(properties)} properties of which {absent} have no row; give 1 to "
            f"{_MAX_PANELS} that are in the frame."
        )
    figure, axes = new_grid(len(properties), height=2.75, extra=0.3)
    for ax, prop in zip(axes, properties, strict=True):
        rows = frame[frame["property"] == prop.name]
        split = list(map(str, rows["split"])) if "split" in frame.columns else None
        _draw_parity(ax, [rows[c].to_numpy(float) for c in columns], prop, level, split, brief=True)
        panel_title(ax, prop_label(prop, 40), min(3, len(properties)))
        ax.tick_params(labelsize=8.5)
        ax.legend(
            fontsize=8, loc="lower right", handletextpad=0.1, borderpad=0.1, frameon=True,
            framealpha=0.8, edgecolor="none",
        )  # fmt: skip
    figure.supxlabel("measured, in the unit of each panel", fontsize=10)
    words = f"predicted: median and {level:.0%} interval (open: outside)"
    figure.supylabel(words if len(properties) > 3 else words.replace(" (", "\n("), fontsize=10)
    return figure


def _draw_parity(
    ax: Axes,
    arrays: list[np.ndarray],
    prop: Property,
    level: float,
    split: list[str] | None,
    *,
    brief: bool = False,
) -> None:
    """Points with bars; the legend counts those inside and outside their interval."""
    y, mid, low, high = arrays
    labels = np.array([""] * len(y) if split is None else split)
    if len(labels) != len(y):
        raise DataError(f"{len(labels)} split labels for {len(y)} values; give one for each.")
    names = list(dict.fromkeys(labels.tolist()))
    if len(names) > _MAX_SPLITS:
        raise DataError(f"{len(names)} splits cannot be told apart; draw at most {_MAX_SPLITS}.")
    inside = (y >= low) & (y <= high)
    everything = np.concatenate([y, mid])
    for which in "xy":
        scale_axis(ax, prop, which, everything)
    limits = span_of([y, mid, *np.percentile([low, high], [3, 97], axis=1)],
                     log=ax.get_xscale() == "log")  # fmt: skip
    ax.plot(limits, limits, color=MUTED, lw=1, zorder=1)
    ax.set(xlim=limits, ylim=limits, aspect="equal")
    for i, name in enumerate(names):
        for is_in in (True, False):
            mask = (labels == name) & (inside == is_in)
            if not mask.any():
                continue
            count = f"{mask.sum()} of {(labels == name).sum()}"
            if split is not None:
                label = f"{short(name, 18)}: {count} inside" if is_in else None
            elif brief:
                label = f"{count} inside" if is_in else None
            else:
                label = f"{'in' if is_in else 'out'}side the {level:.0%} interval ({count})"
            _points(ax, [a[mask] for a in arrays], ARMS[i], MARKERS[i], is_in, label)


def _points(
    ax: Axes, arrays: list[np.ndarray], color: str, shape: str, filled: bool, label: str | None
) -> None:
    y, mid, low, high = arrays
    look = point_style(len(y))
    if not filled and len(y) < MANY:
        look |= {"mfc": "white", "mew": 1.2, "alpha": max(look["alpha"], 0.8)}
    elif not filled:
        color = MISSED
    if len(y) < MANY:
        fade = "66" if len(y) <= 200 else "33"
        ax.vlines(y, low, high, color=color + fade, lw=1.1, zorder=2)
    ax.plot(y, mid, shape, color=color, zorder=3, label=label, **look)


@in_style
def bands(
    x: np.ndarray | Sequence[str],
    latent: np.ndarray,
    *,
    prop: Property,
    axis: str = "",
    observation: np.ndarray | None = None,
    measured_x: np.ndarray | Sequence[str] | None = None,
    measured: np.ndarray | None = None,
) -> Chart:
    """Predicted median with 50 % and 90 % bands, along one axis or over sorted materials.

    How to read it: dark and middle blue are where the property itself lies (its latent value),
    grey is where one more *measurement* would lie, noise included. Nine in ten measured points
    (black) belong inside the grey band, not inside the blue one. Where the blue band is as wide as
    far from all points, the model falls back on its prior.

    Args:
        x: Positions along a numeric axis, `n`, such as temperatures; or `n` names of materials,
            which are then sorted by their median and drawn as bars.
        latent: Quantiles 0.05, 0.25, 0.5, 0.75, 0.95 of the latent property, `n x 5`, in its unit.
        prop: What is predicted; a log property gets a log axis.
        axis: Label of the axis with its unit, such as "temperature [K]"; needed for numbers.
        observation: Quantiles 0.05 and 0.95 of one measurement, `n x 2`.
        measured_x: Positions, or names among `x`, of the measured points, `k`.
        measured: Their values, `k`.

    Raises:
        DataError: Other shapes, quantiles that decrease, or measured points without a place.
    """
    middle = _quantiles(latent, 5, "latent")
    outer = middle[:, [0, 4]] if observation is None else _quantiles(observation, 2, "observation")
    is_named = isinstance(np.asarray(x).ravel()[0].item() if len(x) else "", str)
    if (
        len(x) != len(middle)
        or len(outer) != len(middle)
        or (measured_x is None) != (measured is None)
    ):
        raise DataError(
            f"{len(x)} positions, {len(middle)} rows of latent and {len(outer)} of observation "
            "quantiles must agree; measured points need both measured_x and measured."
        )
    if not is_named and not axis:
        raise DataError('Name the axis with its unit, such as axis="temperature [K]".')
    names = [str(name) for name in x] if is_named else []
    order = np.argsort(middle[:, 2] if is_named else np.asarray(x, dtype=float), kind="stable")
    middle, outer = middle[order], outer[order]
    names = [names[i] for i in order] if names else []
    place = np.arange(len(order), dtype=float) if names else np.asarray(x, dtype=float)[order]
    points = _measured_points(names, measured_x, measured)
    turn = bool(names) and len(names) <= _MAX_NAMED and sum(map(len, names)) > 80
    figure, ax = new_chart(WIDTH, 5.2 if turn else 4.4)
    scale_axis(ax, prop, "y", np.concatenate([middle.ravel(), outer.ravel(), points[1]]))
    draw = _bars if names or len(place) == 1 else _ribbons
    draw(ax, place, middle, outer, observation is not None)
    if points[0].size:
        look = point_style(len(points[0]))
        ax.plot(*points, "o", color=MEASURED, label="measured", zorder=4, **look)
    limits = [middle, outer, points[1]]
    ax.set_ylim(span_of(limits, log=ax.get_yscale() == "log"))
    ax.set(xlabel=axis or "material, sorted by predicted median", ylabel=prop_label(prop, 44))
    if names and len(names) <= _MAX_NAMED:
        short_names = [short(name, 20) for name in names]
        ax.set_xticks(place, short_names, fontsize=8.5, rotation=90 if turn else 0)
    elif names:
        ax.set_xticks([])
    figure.legend(loc="outside lower center", ncols=5, columnspacing=1.2, handlelength=1.5)
    return figure


def _quantiles(values: Any, n_columns: int, what: str) -> np.ndarray:
    matrix = array(values, what)
    if matrix.ndim != 2 or matrix.shape[1] != n_columns or not len(matrix):
        raise DataError(f"{what} has shape {matrix.shape}; it must be n x {n_columns} quantiles.")
    if not (np.diff(matrix, axis=1) >= 0).all():
        rows = np.flatnonzero(~(np.diff(matrix, axis=1) >= 0).all(1))[:5]
        raise DataError(f"The {what} quantiles of rows {rows.tolist()} decrease or are NaN.")
    return matrix


def _measured_points(names: list[str], where: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    if where is None or values is None or not len(where):
        return np.empty(0), np.empty(0)
    if names:
        index = {name: i for i, name in enumerate(names)}
        unknown = sorted({str(name) for name in where} - set(index))
        if unknown:
            raise DataError(f"Measured materials that are not among x: {unknown[:5]}.")
        where = [index[str(name)] for name in where]
    x, y = vectors({"measured_x": where, "measured": values})
    return x, y


def _ribbons(ax: Axes, x: np.ndarray, q: np.ndarray, outer: np.ndarray, noisy: bool) -> None:
    if noisy:
        ax.fill_between(x, *outer.T, color=MUTED, alpha=0.25, lw=0, label="90% measurement")
    ax.fill_between(x, q[:, 0], q[:, 4], color=PREDICTED, alpha=0.28, lw=0, label="90% latent")
    ax.fill_between(x, q[:, 1], q[:, 3], color=PREDICTED, alpha=0.45, lw=0, label="50% latent")
    ax.plot(x, q[:, 2], color=PREDICTED, lw=2, label="median")


def _bars(ax: Axes, x: np.ndarray, q: np.ndarray, outer: np.ndarray, noisy: bool) -> None:
    if len(x) > 4 * _MAX_NAMED:
        _ribbons(ax, x, q, outer, noisy)
        return
    wide = np.clip(220 / len(x), 2.0, 11.0)
    if noisy:
        ax.vlines(x, *outer.T, color=MUTED, alpha=0.35, lw=wide, label="90% measurement")
    ax.vlines(x, q[:, 0], q[:, 4], color=PREDICTED, alpha=0.4, lw=0.55 * wide, label="90% latent")
    ax.vlines(x, q[:, 1], q[:, 3], color=PREDICTED, lw=0.55 * wide, label="50% latent")
    ax.plot(x, q[:, 2], "_", color="white", ms=wide, mew=1.6)
    ax.set_xlim(x[0] - 0.7, x[-1] + 0.7)
