"""Do intervals hold what they promise, and which cells decide: coverage, PIT, influence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from scipy import stats

from bayesmat.check.calibration import coverage_curve
from bayesmat.check.uniformity import simultaneous_band
from bayesmat.errors import DataError

from .fits import coverage_of, influence_of, of_fits, pit_of, pits_of
from .style import (
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
    short,
    vectors,
    wrapped,
)

__all__ = ["calibration_curve", "coverage", "influence", "pit_ecdf", "pit_histogram"]

_MAX_LEVELS = 6
_MAX_PANELS = 36
_MAX_POINTS = 100


@of_fits(coverage_of)
@in_style
def coverage(frame: pd.DataFrame) -> Chart:
    """Share of values found inside their intervals, per target and nominal level, with its doubt.

    How to read it: one panel per level, one line per target, all panels on one scale. A line that
    crosses the nominal level (dashed) is no evidence against the intervals; a line left of it
    (open diamond) says that they are too narrow, right of it too wide. The lines are long when
    few materials were judged: judge more before changing the model.

    Of a fit, by leave-one-out: `coverage(fitted)`; also of what `check.loo` and `check.kfold` say.

    Args:
        frame: One row per target and level, with columns `target`, `level`, `value`, `lower`,
            `upper` (shares between 0 and 1; the ends are those of the 95 % interval of `value`),
            and optionally `n`, the number of values judged. Targets appear in the order found.

    Raises:
        DataError: No row, a column that is missing, a share outside [0, 1], or over 6 levels.
    """
    check_columns(frame, ["target", "level", "value", "lower", "upper"], "coverage")
    shares = frame[["level", "value", "lower", "upper"]].to_numpy(float)
    if not ((shares >= 0) & (shares <= 1)).all():
        raise DataError("Coverage, its ends and the levels are shares between 0 and 1.")
    levels = sorted(set(frame["level"]))
    if len(levels) > _MAX_LEVELS:
        raise DataError(
            f"{len(levels)} levels do not fit beside each other; draw at most {_MAX_LEVELS}, such "
            "as 0.5, 0.8, 0.9, 0.95, or use calibration_curve for all of them."
        )
    targets = list(dict.fromkeys(frame["target"].astype(str)))[::-1]
    reach = max(0.12, 1.08 * np.abs(shares[:, 1:] - shares[:, :1]).max())
    limits = [(max(-0.02, level - reach), min(1.02, level + reach)) for level in levels]
    figure = Chart(figsize=(WIDTH, 1.35 + 0.3 * max(2, len(targets))), layout="constrained")
    axes = figure.subplots(
        1, len(levels), squeeze=False, sharey=True, width_ratios=[b - a for a, b in limits]
    )[0]
    for ax, level, limit in zip(axes, levels, limits, strict=True):
        _coverage_panel(ax, frame[frame["level"] == level], targets, level)
        ax.set_xlim(limit)
        ax.set_title(f"{level:.0%} intervals", fontsize=10 if len(levels) <= 4 else 8.5)
    names = [_target_label(frame, target) for target in targets]
    axes[0].set_yticks(range(len(targets)), names, fontsize=9.5)
    axes[0].set_ylim(-0.6, len(targets) - 0.4)
    figure.supxlabel(
        "share of values inside, with its 95% interval (dashed: nominal; diamond: off)", fontsize=10
    )
    return figure


def _target_label(frame: pd.DataFrame, target: str) -> str:
    label = wrapped(target, 26)
    if "n" not in frame.columns:
        return label
    counts = frame.loc[frame["target"].astype(str) == target, "n"]
    return f"{label} (n = {int(counts.iloc[0])})"


def _coverage_panel(ax: Axes, rows: pd.DataFrame, targets: list[str], level: float) -> None:
    ax.axvline(level, color=MEASURED, lw=1.2, ls=(0, (4, 3)), zorder=1)
    numbers = rows[["value", "lower", "upper"]].to_numpy(float)
    for target, (value, lower, upper) in zip(rows["target"], numbers, strict=True):
        y = targets.index(str(target))
        holds = lower <= level <= upper
        color, shape = (PREDICTED, "o") if holds else (MISSED, "D")
        ax.hlines(y, lower, upper, color=color, lw=2.4, alpha=0.6)
        ax.plot(
            value, y, shape, color=color, ms=6.5, mfc=color if holds else "white", mew=1.6,
            clip_on=False,
        )  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 4, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    ax.tick_params(axis="x", labelsize=9)
    ax.tick_params(axis="y", length=0)


@of_fits(pit_of)
@in_style
def pit_histogram(pit: np.ndarray, *, n_bins: int = 10, level: float = 0.9) -> Chart:
    """Histogram of the PIT values, with the band in which calibrated bars lie.

    Flat within the band: calibrated. Bowl: intervals too narrow. Hump: too wide. Slope: biased.
    The band holds each bar, not all at once; `pit_ecdf` has a band for all and needs no bins.
    Of a fit, `pit_histogram(fitted)`.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        n_bins: Number of bars.
        level: Share of bars that the band holds if the predictions are calibrated.
    """
    (pit,) = vectors({"pit": pit})
    counts, edges = np.histogram(pit, bins=n_bins, range=(0, 1))
    low, high = stats.binom.interval(level, len(pit), 1 / n_bins)
    figure, ax = new_chart(5.6, 3.6)
    ax.axhspan(low, high, color=MUTED, alpha=0.22, lw=0, label=f"{level:.0%} of calibrated bars")
    ax.axhline(len(pit) / n_bins, color=MUTED, lw=1)
    ax.bar(edges[:-1], counts, 1 / n_bins, align="edge", color=PREDICTED, alpha=0.85, ec="white")
    ax.set(xlim=(0, 1), ylim=(0, max(counts.max(), high) * 1.25 + 0.5))
    words = "predicted probability of a smaller value (PIT)"
    ax.set(xlabel=words, ylabel=f"number of values (n = {len(pit)})")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper right")
    return figure


@of_fits(pits_of)
@in_style
def pit_ecdf(
    values: Mapping[str, Any] | Any, *, n_draws: int | None = None, level: float = 0.95
) -> Chart:
    r"""ECDF minus the diagonal, with the band that holds all of a calibrated curve at once.

    How to read it: the curve is :math:`\hat F(z) - z`. Inside the band: no evidence of
    miscalibration. Left half up, right half down: values pile up at both ends, intervals are too
    narrow. Down then up: too wide. All above: the measured values are lower than predicted; all
    below: higher. A curve that leaves the band is drawn thick and orange.

    With several quantities the band is widened so that `level` holds for all panels together.

    Of a fit, by leave-one-out: `pit_ecdf(fitted)`; also of what `check.loo` and `check.kfold` say.

    Args:
        values: PIT values, `n`, of one quantity, or quantity -> values for small multiples. With
            `n_draws` the ranks of simulation-based calibration: integers 0 ... `n_draws`.
        n_draws: Number of draws L among which the ranks were taken; None for PIT values.
        level: Probability that every curve of a calibrated model stays inside its band.

    Raises:
        DataError: No values, values that are no PIT values or ranks, or over 36 quantities.

    Reference:
        Saeilynoja, Buerkner & Vehtari (2022), doi:10.1007/s11222-022-10090-6.
    """
    panels = dict(values) if isinstance(values, Mapping) else {"": values}
    if not 0 < len(panels) <= _MAX_PANELS:
        raise DataError(f"Cannot draw {len(panels)} quantities; give 1 to {_MAX_PANELS}.")
    n_columns = min(len(panels), 4 if len(panels) > 6 else 3)
    figure, axes = new_grid(len(panels), n_columns=n_columns, height=1.9, extra=0.9, share=True)
    bands: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    single = 1 - (1 - level) / len(panels)
    out, sizes = 0, set()
    for ax, (name, given) in zip(axes, panels.items(), strict=True):
        (u,) = vectors({name or "values": given})
        points, shares = _ecdf(u, n_draws, name)
        if len(u) not in bands:
            bands[len(u)] = (points, *simultaneous_band(len(u), points, level=single))
        out += _ecdf_panel(ax, shares, bands[len(u)])
        sizes.add(len(u))
        panel_title(ax, name, n_columns)
    what = "PIT value" if n_draws is None else f"rank among {n_draws} draws, from 0 to 1"
    count = f"n = {min(sizes)}" if len(sizes) == 1 else f"n = {min(sizes)} to {max(sizes)}"
    together = f"; {out} of {len(panels)} leave the band" if len(panels) > 1 else ""
    figure.supxlabel(f"{what} ({count}; {level:.0%} simultaneous band{together})", fontsize=10)
    figure.supylabel("ECDF minus uniform", fontsize=10)
    return figure


def _ecdf(u: np.ndarray, n_draws: int | None, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Points between 0 and 1 and the share of values at or below each."""
    if n_draws is None:
        if not ((u >= 0) & (u <= 1)).all():
            raise DataError(
                f"PIT values lie between 0 and 1; {name or 'these'} reach from {u.min():g} to "
                f"{u.max():g}. Are they ranks? Then give n_draws."
            )
        points = np.arange(1, _MAX_POINTS + 1) / _MAX_POINTS
        return points, np.searchsorted(np.sort(u), points, side="right") / len(u)
    if (u != np.floor(u)).any() or u.min() < 0 or u.max() > n_draws:
        raise DataError(
            f"Ranks among {n_draws} draws are integers from 0 to {n_draws}; {name or 'these'} "
            f"reach from {u.min():g} to {u.max():g}."
        )
    steps = np.unique(np.linspace(1, n_draws + 1, min(n_draws + 1, _MAX_POINTS)).astype(int))
    return steps / (n_draws + 1), np.searchsorted(np.sort(u), steps, side="left") / len(u)


def _ecdf_panel(
    ax: Axes, shares: np.ndarray, band: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> bool:
    points, low, high = band
    leaves = bool(((shares < low - 1e-12) | (shares > high + 1e-12)).any())
    z = np.append(0.0, points)
    ax.fill_between(
        z, np.append(0.0, low - points), np.append(0.0, high - points), color=MUTED, alpha=0.25,
        lw=0,
    )  # fmt: skip
    ax.axhline(0, color=MUTED, lw=1)
    color, width = (MISSED, 2.2) if leaves else (PREDICTED, 1.5)
    ax.plot(z, np.append(0.0, shares - points), color=color, lw=width)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    return leaves


@of_fits(pit_of)
@in_style
def calibration_curve(pit: np.ndarray, *, level: float = 0.9) -> Chart:
    """Share of values inside central intervals against their nominal level.

    Below the diagonal the intervals are too narrow. The band holds the curve of a calibrated
    model of this size at each level, so a curve inside it is no evidence of miscalibration.
    Of a fit, `calibration_curve(fitted)`.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        level: Pointwise probability of the band.
    """
    (pit,) = vectors({"pit": pit})
    nominal = np.linspace(0, 1, 101)
    found = coverage_curve(pit, nominal).numpy()
    low, high = stats.binom.interval(level, len(pit), nominal)
    figure, ax = new_chart(5.2, 5.2)
    ax.fill_between(
        nominal, low / len(pit), high / len(pit), color=MUTED, alpha=0.22, lw=0,
        label=f"{level:.0%} band if calibrated (n = {len(pit)})",
    )  # fmt: skip
    ax.plot([0, 1], [0, 1], color=MUTED, lw=1)
    ax.step(nominal, found, where="post", color=PREDICTED, lw=2, label="found")
    for mark, shape in ((0.5, "o"), (0.9, "s")):
        value = float(coverage_curve(pit, [mark])[0])
        label = f"{mark:.0%} intervals hold {value:.0%}"
        ax.plot(mark, value, shape, color=PREDICTED, ms=8, mec="white", label=label)
    ax.set(xlim=(0, 1.0), ylim=(0, 1.02), aspect="equal")
    ax.set(xlabel="nominal level of the interval", ylabel="share of values inside")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


_LIMITS = {"pareto_k": (0.5, 0.7), "z": (2.0, 3.0)}
_WORDS = {"pareto_k": "Pareto k of the cell", "z": "leave-one-out z-score [sd]"}


@of_fits(influence_of)
@in_style
def influence(
    values: np.ndarray,
    *,
    labels: Sequence[str],
    measure: Literal["pareto_k", "z"] = "pareto_k",
    n_named: int = 6,
) -> Chart:
    """Cells that the fit leans on, or that it did not expect, with the worst ones named.

    How to read it: `pareto_k` above 0.7 (orange) says that the posterior without this cell differs
    so much from the one with it that importance sampling cannot tell its leave-one-out score:
    refit without it. A `z` beyond 3 says that the other cells did not expect this value: look for
    a unit slip or a wrong label before blaming the model. With 1000 cells three z-scores beyond 3
    are no surprise. A cell that is not finite is drawn as a triangle at the edge.

    Of a fit, `influence(fitted)`: Pareto k where leave-one-out smoothed weights, else z.

    Args:
        values: Pareto k, or (measured - predicted mean) / predicted sd, of each cell, `n`.
        labels: What to call each cell, such as row and material, `n`.
        measure: Which of the two.
        n_named: How many of the worst cells beyond the limit are named, at most.

    Raises:
        DataError: No cells, as many labels as not, or an unknown measure.

    Reference:
        Vehtari, Simpson, Gelman, Yao & Gabry (2024), arXiv:1507.02646.
    """
    if measure not in _LIMITS:
        raise DataError(f"measure is {measure!r}; it must be one of {list(_LIMITS)}.")
    (cells,) = vectors({measure: values})
    if len(labels) != len(cells):
        raise DataError(f"{len(labels)} labels for {len(cells)} cells; give one for each.")
    inner, outer = _LIMITS[measure]
    finite = cells[np.isfinite(cells)]
    top = 1.12 * max(1.5 * outer if measure == "z" else 1.0, finite.max(initial=0.0))
    floor = min(-1.5 * outer if measure == "z" else -0.1, 1.12 * finite.min(initial=0.0))
    shown = np.nan_to_num(cells, nan=0.94 * top, posinf=0.94 * top, neginf=0.94 * floor)
    size = np.abs(cells) if measure == "z" else cells
    bad = ~(size <= outer)
    order = np.argsort(-np.nan_to_num(size, nan=np.inf))[: min(n_named, int(bad.sum()))]
    figure, ax = new_chart(WIDTH, 3.2 + 0.2 * (-(-len(order) // 2)))
    for limit, style in ((inner, ":"), (outer, "--")):
        for sign in (1, -1) if measure == "z" else (1,):
            ax.axhline(sign * limit, color=MUTED, lw=1.1, ls=style, zorder=1)
    rows = np.arange(1, len(cells) + 1)
    ax.plot(rows[~bad], shown[~bad], "o", color=PREDICTED, **point_style(len(cells)))
    for mask, shape in ((bad & np.isfinite(cells), "D"), (bad & ~np.isfinite(cells), "^")):
        ax.plot(rows[mask], shown[mask], shape, color=MISSED, ms=6, mfc="white", mew=1.6)
    for rank, i in enumerate(order, 1):
        name = f"{rank}  {short(str(labels[i]), 34)}: {cells[i]:.2f}"
        ax.plot([], [], " ", label=name)
        ax.annotate(
            str(rank),
            (rows[i], shown[i]),
            xytext=(5 if rank % 2 else -10, 3),
            textcoords="offset points",
            fontsize=9,
        )
    share = f"{int(bad.sum())} of {len(cells)} beyond {outer:g}"
    if max(top, -floor) > 30:
        ax.set_yscale("symlog", linthresh=2 * outer)
        top, floor = (end if abs(end) < 30 else 1.8 * end for end in (top, floor))
        ends = [sign * end for end in (3, 10, 30, 100, 1e3, 1e4) for sign in (1, -1)]
        ax.set_yticks([0.0, *(end for end in ends if floor < end < top)])
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.yaxis.set_minor_locator(NullLocator())
    ax.set(xlim=(0, len(cells) + 1), ylim=(floor, top), ylabel=_WORDS[measure])
    ax.set_xlabel(f"measured cell, in the order of the table ({share})")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(order):
        figure.legend(loc="outside lower left", ncols=2, handlelength=0, handletextpad=0)
    return figure
