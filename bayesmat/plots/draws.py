"""Can the draws be trusted: traces, ranks and pairs of scalars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from scipy import ndimage, stats

from bayesmat.errors import DataError

from .style import (
    ARMS,
    MISSED,
    MUTED,
    PREDICTED,
    WIDTH,
    Chart,
    check_draws,
    in_style,
    new_grid,
    panel_title,
    powers_out,
    wrapped,
)

__all__ = ["pair", "rank", "trace"]

_MAX_ROWS = 20
_MAX_RANK_PANELS = 30
_MAX_PAIRS = 8
_MAX_DOTS = 2000


@in_style
def trace(
    draws: Mapping[str, Any],
    *,
    table: pd.DataFrame | None = None,
    divergent: np.ndarray | None = None,
) -> Chart:
    """Every chain's draws in order, with their distribution at the left: one row per scalar.

    How to read it: the chains should look like the same noise around the same level, and their
    distributions should lie on each other. A chain apart, a drift or a plateau means that the
    posterior has not been explored. Numbers at the right that miss the usual limits (R-hat above
    1.01, bulk ESS below 100 a chain) are orange and bold.

    Args:
        draws: Scalar, named with its unit ("noise [K]"), -> draws of each chain, `C x S`; further
            axes become scalars `name[i,j]`, so that the draws of an `InferenceRun` fit.
        table: Diagnostics by scalar, with columns `r_hat` and `ess_bulk`, such as the table of an
            `InferenceReport`; scalars it lacks get no numbers.
        divergent: Which transitions diverged, booleans `C x S`: ticks below each trace.

    Raises:
        DataError: No or over 20 scalars, other shapes, or values that are not finite.
    """
    arrays = check_draws(draws, 2, "traces", most=_MAX_ROWS)
    n_chains, n_draws = next(iter(arrays.values())).shape
    marks = np.zeros((n_chains, n_draws), bool) if divergent is None else np.asarray(divergent)
    if marks.shape != (n_chains, n_draws) or marks.dtype != np.bool_:
        raise DataError(
            f"divergent has shape {marks.shape} and type {marks.dtype}; it must be booleans of "
            f"shape {(n_chains, n_draws)}, like the draws."
        )
    figure = Chart(figsize=(WIDTH, 0.95 + 1.05 * len(arrays)), layout="constrained")
    grid = figure.subplots(
        len(arrays), 2, squeeze=False, sharey="row", sharex="col", width_ratios=[1, 5]
    )
    for (side, ax), (name, values) in zip(grid, arrays.items(), strict=True):
        label, scaled = powers_out(name, values)
        _trace_row(side, ax, scaled, marks)
        side.set_ylabel(wrapped(label, 20, 3), fontsize=9, rotation=0, ha="right", va="center")
        _margin(ax, name, table, n_chains)
    grid[0, 0].set_xlim(1.08, 0)
    grid[-1, 0].set_xlabel("density", fontsize=9)
    chains = f"{n_chains} chains" if n_chains > 1 else "one chain"
    count = int(marks.sum())
    ticks = f"; {count} divergent (ticks)" if count else ""
    grid[-1, 1].set_xlabel(f"draw ({chains}{ticks})", fontsize=10)
    return figure


def _trace_row(side: Axes, ax: Axes, values: np.ndarray, marks: np.ndarray) -> None:
    n_chains, n_draws = values.shape
    edges = np.histogram_bin_edges(values, bins=40)
    alpha = 0.85 if n_chains <= 4 else 0.55
    densities = [np.histogram(chain, edges)[0] for chain in values]
    # Scott's rule, in bins: few draws must not look like many modes.
    width = np.clip(values.std() * n_draws ** (-1 / 5) / (edges[1] - edges[0]), 1.2, 8.0)
    smooth = ndimage.gaussian_filter1d(np.asarray(densities, dtype=float), width, axis=1)
    middles = 0.5 * (edges[1:] + edges[:-1])
    for i, chain in enumerate(values):
        color = ARMS[i % len(ARMS)]
        look: dict[str, Any] = {"marker": "o", "ms": 4} if n_draws < 3 else {}
        x = np.arange(1, n_draws + 1)
        ax.plot(x, chain, color=color, lw=0.7, alpha=alpha, rasterized=n_draws > 500, **look)
        side.plot(smooth[i] / max(smooth.max(), 1e-12), middles, color=color, lw=1.2, alpha=alpha)
    where = np.flatnonzero(marks.any(0)) + 1
    if where.size:
        ax.plot(
            where, np.full(where.size, 0.02), "|", color="#1a1a1a", ms=7, mew=1,
            transform=ax.get_xaxis_transform(),
        )  # fmt: skip
    ax.set_xlim(0.5 - 0.01 * n_draws, 0.5 + n_draws * 1.01)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.yaxis.set_major_locator(MaxNLocator(3))
    side.tick_params(axis="x", labelbottom=False, length=0)
    side.tick_params(axis="y", labelsize=8.5)
    ax.tick_params(axis="y", labelleft=False, length=0)
    side.grid(visible=False, axis="x")


def _margin(ax: Axes, name: str, table: pd.DataFrame | None, n_chains: int) -> None:
    """R-hat and bulk ESS at the right of a trace."""
    if table is None or name not in table.index:
        return
    r_hat, ess = (_entry(table, name, column) for column in ("r_hat", "ess_bulk"))
    still = math.isnan(ess) and _entry(table, name, "sd") == 0
    for y, text, bad in (
        (0.5, "never moves" if still else "nan", True),
        (0.68, f"R-hat {r_hat:.2f}" if r_hat < 1.095 else f"R-hat {r_hat:.1f}", r_hat > 1.01),
        (0.32, f"ESS {ess:.0f}", ess < 100 * n_chains),
    ):
        if "nan" not in text:
            ax.text(
                1.015, y, text, transform=ax.transAxes, va="center", fontsize=9,
                color=MISSED if bad else "#333333", fontweight="bold" if bad else "normal",
            )  # fmt: skip


def _entry(table: pd.DataFrame, name: str, column: str) -> float:
    return float(table[column].to_dict()[name]) if column in table.columns else np.nan


@in_style
def rank(draws: Mapping[str, Any], *, n_bins: int = 20, level: float = 0.99) -> Chart:
    """Histograms of each chain's ranks among all draws: one panel per scalar, one strip per chain.

    How to read it: chains that explore the same posterior have flat strips. A slope or a tower
    says where a chain sits apart, even when its mean and R-hat look right; a bowl in one strip
    and a hump in another says that the chains have different widths. The grey band holds `level`
    of the bars of independent draws; autocorrelated draws stray further, so thin them to their
    effective number before reading single bars. Bars outside the band are orange; what is over
    2.5 times as high as it should be is cut.

    Args:
        draws: Scalar -> draws of each chain, `C x S` (`C x S x ...`, as for `trace`).
        n_bins: Bars per strip, at most the number of draws per chain.
        level: Share of bars that the band holds.

    Raises:
        DataError: No or over 30 scalars, other shapes, or values that are not finite.

    Reference:
        Vehtari, Gelman, Simpson, Carpenter & Buerkner (2021), doi:10.1214/20-BA1221.
    """
    arrays = check_draws(draws, 2, "ranks", most=_MAX_RANK_PANELS)
    n_chains, n_draws = next(iter(arrays.values())).shape
    n_bins = max(1, min(n_bins, n_draws))
    figure, axes = new_grid(
        len(arrays),
        height=0.6 + (0.36 if n_chains <= 4 else 0.24) * max(n_chains, 2),
        extra=0.45,
        share=True,
    )
    edges = np.linspace(0, n_chains * n_draws, n_bins + 1)
    expected = n_draws / n_bins
    total, in_bin = n_chains * n_draws, n_chains * n_draws / n_bins
    low = stats.hypergeom.ppf(0.5 - 0.5 * level, total, n_draws, np.floor(in_bin))
    high = stats.hypergeom.ppf(0.5 + 0.5 * level, total, n_draws, np.ceil(in_bin))
    room = 2.6 * expected
    for ax, (name, values) in zip(axes, arrays.items(), strict=True):
        ranks = stats.rankdata(values, method="average").reshape(values.shape) - 0.5
        counts = np.stack([np.histogram(chain, edges)[0] for chain in ranks])
        for i, bars in enumerate(counts):
            _strip(ax, bars, (i + 1) * room, (low, high, expected), edges)
        middles = [(i + 1) * room - expected for i in range(n_chains)]
        ax.set_yticks(middles, [str(i + 1) for i in range(n_chains)])
        ax.set(xlim=(0, edges[-1]), ylim=((n_chains + 0.05) * room, 0))
        panel_title(ax, name, min(3, len(arrays)))
        ax.grid(visible=False)
        ax.xaxis.set_major_locator(MaxNLocator(3, integer=True))
        ax.tick_params(labelsize=8.5)
    figure.supxlabel(f"rank among all {n_chains * n_draws} draws", fontsize=10)
    figure.supylabel("chain", fontsize=10)
    return figure


def _strip(
    ax: Axes, bars: np.ndarray, foot: float, band: tuple[float, float, float], edges: np.ndarray
) -> None:
    low, high, expected = band
    outside = (bars < low) | (bars > high)
    colors = np.where(outside, MISSED, PREDICTED)
    # The axis is inverted, so that chain 1 is on top: bars grow upwards from their own base line.
    heights = -np.minimum(bars, 2.5 * expected)
    ax.bar(
        edges[:-1], heights, np.diff(edges), foot, align="edge", color=colors, ec="white", lw=0.5
    )
    ax.fill_between(edges[[0, -1]], foot - low, foot - high, color="#1a1a1a", alpha=0.16, lw=0)
    ax.hlines(foot - expected, edges[0], edges[-1], color="#1a1a1a", lw=0.8)
    ax.hlines(foot, edges[0], edges[-1], color=MUTED, lw=0.8)


@in_style
def pair(draws: Mapping[str, Any], *, divergent: np.ndarray | None = None) -> Chart:
    """Scalars against each other: dots and contours below, histograms on the diagonal.

    How to read it: the contours hold 50 % and 90 % of the draws. A ridge says that the data know
    a combination of two scalars better than either; a funnel, a bend or a second mode is what
    samplers miss. Divergent draws are orange crosses: where they crowd, the sampler could not go
    on, and what lies beyond is missing from the posterior.

    Args:
        draws: Scalar, named with its unit, -> draws, `S`; 2 to 8 of them.
        divergent: Which draws come from a divergent transition, booleans, `S`.

    Raises:
        DataError: Fewer than 2 or more than 8 scalars, other shapes, or values not finite.
    """
    arrays = check_draws(draws, 1, "pairs", most=_MAX_PAIRS)
    if len(arrays) < 2:
        raise DataError("A pair plot needs at least two scalars; for one, look at trace or rank.")
    n_draws = len(next(iter(arrays.values())))
    marks = np.zeros(n_draws, bool) if divergent is None else np.asarray(divergent)
    if marks.shape != (n_draws,) or marks.dtype != np.bool_:
        raise DataError(f"divergent must be {n_draws} booleans; its shape is {marks.shape}.")
    k = len(arrays)
    side = WIDTH if k > 2 else 5.4
    figure = Chart(figsize=(side, 0.9 * side + 0.3), layout="constrained")
    axes = figure.subplots(k, k, squeeze=False, sharex="col")
    named = [powers_out(name, values) for name, values in arrays.items()]
    names, values = [name for name, _ in named], [v for _, v in named]
    for i in range(k):
        for j in range(k):
            ax = axes[i, j]
            if j > i:
                ax.remove()
                continue
            if i == j:
                ax.hist(values[i], bins=min(40, 5 + n_draws // 20), color=PREDICTED, alpha=0.85)
                ax.set_yticks([])
                ax.spines["left"].set_visible(False)
            else:
                _pair_panel(ax, values[j], values[i], marks)
            _pair_labels(ax, i, j, k, names)
    n_bad = int(marks.sum())
    title = (f"{n_draws} draws" if n_draws > 1 else "1 draw") + (
        f", {n_bad} divergent (orange crosses)" if n_bad else ""
    )
    figure.suptitle(title, fontsize=10, x=0.99, ha="right")
    return figure


def _pair_panel(ax: Axes, x: np.ndarray, y: np.ndarray, marks: np.ndarray) -> None:
    step = -(-len(x) // _MAX_DOTS)
    size = 2.0 if len(x) > 300 else 3.5
    ax.plot(
        x[::step], y[::step], "o", color=PREDICTED, ms=size, mew=0, alpha=0.3,
        rasterized=len(x) > 500,
    )  # fmt: skip
    if len(x) >= 200 and np.ptp(x) > 0 and np.ptp(y) > 0:
        _contours(ax, x, y)
    ax.plot(x[marks], y[marks], "x", color=MISSED, ms=5, mew=1.3, zorder=5)


def _contours(ax: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Lines that hold half and nine tenths of the draws, from a smoothed histogram."""
    spans = [(v.min() - 0.08 * np.ptp(v), v.max() + 0.08 * np.ptp(v)) for v in (x, y)]
    counts, xe, ye = np.histogram2d(x, y, bins=48, range=spans)
    # Scott's rule in two dimensions, in cells of the histogram.
    widths = [v.std() * len(v) ** (-1 / 6) / (e[1] - e[0]) for v, e in ((x, xe), (y, ye))]
    smooth = ndimage.gaussian_filter(counts, np.clip(widths, 0.8, 6.0), mode="constant")
    ordered = np.sort(smooth.ravel())[::-1]
    held = np.cumsum(ordered) / ordered.sum()
    levels = [float(ordered[np.searchsorted(held, share)]) for share in (0.9, 0.5)]
    if all(a < b for a, b in pairwise([0.0, *levels])):
        middles = [0.5 * (e[1:] + e[:-1]) for e in (xe, ye)]
        ax.contour(*middles, smooth.T, levels, colors="#1a1a1a", linewidths=[0.8, 1.3])


def _pair_labels(ax: Axes, i: int, j: int, k: int, names: list[str]) -> None:
    small = 9 if k <= 4 else 7.5 if k <= 6 else 6.5
    ax.tick_params(labelsize=small - 1)
    ax.grid(visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    width = {2: 30, 3: 24, 4: 20, 5: 18, 6: 15}.get(k, 13)
    if i == k - 1:
        ax.set_xlabel(wrapped(names[j], width, 3), fontsize=small)
    if j == 0 and i > 0:
        ax.set_ylabel(wrapped(names[i], width, 3), fontsize=small)
    if i != j:
        ax.yaxis.set_major_locator(MaxNLocator(3, prune="both"))
        ax.tick_params(labelleft=j == 0)
    ax.tick_params(labelbottom=i == k - 1)
