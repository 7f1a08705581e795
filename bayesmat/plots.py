"""Figures in one visual language: blue is predicted, black is measured, green is the goal.

Every function takes plain arrays or frames and returns a matplotlib figure that shows itself in a
notebook; nothing touches pyplot's global state. Colours are Okabe and Ito's, which colour-blind
readers can tell apart; shapes repeat what colours say.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from scipy import stats

from bayesmat.check.calibration import coverage_curve
from bayesmat.data.properties import Property
from bayesmat.errors import DataError

__all__ = [
    "Chart", "calibration_curve", "campaign_path", "learning_curve", "parity", "pit_histogram",
    "png", "relevance", "save", "smc_diagnostics",
]  # fmt: skip

PREDICTED = "#0072B2"
MEASURED = "#1a1a1a"
GOAL = "#009E73"
TEMPORARY = "#E69F00"
MUTED = "#8a8a8a"
ARMS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8a8a8a", "#1a1a1a")
MARKERS = "osD^vPX*"

STYLE: dict[Any, Any] = {
    "font.size": 10.5, "axes.titlesize": 11.5, "axes.titlelocation": "left",
    "axes.titleweight": "bold", "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#555555", "axes.grid": True, "axes.axisbelow": True,
    "grid.color": "#e8e8e8", "grid.linewidth": 0.7, "legend.frameon": False,
    "legend.fontsize": 9.5,
}  # fmt: skip


class Chart(Figure):
    """A figure that draws itself in a notebook without pyplot."""

    def _repr_png_(self) -> bytes:
        return png(self)


@matplotlib.rc_context(STYLE)
def png(figure: Figure, *, dpi: int = 150) -> bytes:
    """The figure as a PNG file in memory."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    return buffer.getvalue()


@matplotlib.rc_context(STYLE)
def save(figure: Figure, path: str | Path, *, dpi: int = 150) -> Path:
    """Write a figure; the suffix decides the format (png, svg, pdf). Folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi)
    return path


def _chart(width: float = 7.4, height: float = 4.2) -> tuple[Chart, Axes]:
    figure = Chart(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _scaled(axis_of: Axes, prop: Property, which: str, values: np.ndarray) -> None:
    """A log axis with plain numbers where the property is modelled in log."""
    if prop.scale != "log" or not np.isfinite(values).any() or np.nanmin(values) <= 0:
        return
    getattr(axis_of, f"set_{which}scale")("log")
    axis = axis_of.xaxis if which == "x" else axis_of.yaxis
    decades = np.log10(np.nanmax(values) / np.nanmin(values))
    subs = (1, 2, 3, 5, 7) if decades < 1.2 else (1, 2, 5) if decades < 3 else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _vectors(**arrays: Any) -> list[np.ndarray]:
    vectors = {name: np.asarray(array, dtype=float) for name, array in arrays.items()}
    sizes = {name: len(vector) for name, vector in vectors.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise DataError(
            f"Cannot draw arrays of lengths {sizes}: they must agree and hold at least one value."
        )
    return list(vectors.values())


def _check_columns(frame: pd.DataFrame, names: Sequence[str], what: str) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing or frame.empty:
        raise DataError(
            f"Cannot draw {what}: {len(frame)} rows with columns {list(frame.columns)}; it needs "
            f"at least one row, and lacks {missing}."
        )


@matplotlib.rc_context(STYLE)
def parity(
    measured: np.ndarray,
    median: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    *,
    prop: Property,
    level: float = 0.9,
) -> Chart:
    """Predicted against measured values, with the predicted intervals as bars.

    Misses, values outside their interval, are drawn open, so that coverage can be counted by eye.

    Args:
        measured: Measured values, `n`, in the property's unit.
        median: Predicted medians, `n`.
        lower: Lower ends of the intervals, `n`.
        upper: Upper ends, `n`.
        prop: What is predicted; a log property gets log axes.
        level: Level of the intervals, for the legend.
    """
    y, mid, low, high = _vectors(measured=measured, median=median, lower=lower, upper=upper)
    inside = (y >= low) & (y <= high)
    figure, ax = _chart(5.6, 5.2)
    everything = np.concatenate([y, mid])
    for which in "xy":
        _scaled(ax, prop, which, everything)
    span = [everything.min(), everything.max()]
    ax.plot(span, span, color=MUTED, lw=1, zorder=1)
    for mask, face, word in ((inside, PREDICTED, "inside"), (~inside, "white", "outside")):
        if mask.any():
            bars = np.abs(np.vstack([mid - low, high - mid]))[:, mask]
            ax.errorbar(
                y[mask], mid[mask], yerr=bars, fmt="o", ms=5, color=PREDICTED, mfc=face,
                elinewidth=1, ecolor=PREDICTED + "66", zorder=2,
                label=f"{word} the {level:.0%} interval ({mask.sum()} of {len(y)})",
            )  # fmt: skip
    ax.set(xlabel=f"measured {prop.label}", ylabel=f"predicted {prop.label}")
    figure.legend(loc="outside lower center")
    return figure


@matplotlib.rc_context(STYLE)
def pit_histogram(pit: np.ndarray, *, n_bins: int = 10, level: float = 0.9) -> Chart:
    """Histogram of the PIT values, with the band in which calibrated bars lie.

    Flat within the band: calibrated. Bowl: intervals too narrow. Hump: too wide. Slope: biased.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        n_bins: Number of bars.
        level: Share of bars that the band holds if the predictions are calibrated.
    """
    (pit,) = _vectors(pit=pit)
    counts, edges = np.histogram(pit, bins=n_bins, range=(0, 1))
    low, high = stats.binom.interval(level, len(pit), 1 / n_bins)
    figure, ax = _chart(5.6, 3.6)
    ax.axhspan(low, high, color=MUTED, alpha=0.22, lw=0, label=f"{level:.0%} of calibrated bars")
    ax.axhline(len(pit) / n_bins, color=MUTED, lw=1)
    ax.bar(edges[:-1], counts, 1 / n_bins, align="edge", color=PREDICTED, alpha=0.85, ec="white")
    ax.set(xlim=(0, 1), ylim=(0, max(counts.max(), high) * 1.25 + 0.5))
    words = "predicted probability of a smaller value (PIT)"
    ax.set(xlabel=words, ylabel=f"number of values (n = {len(pit)})")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="upper right")
    return figure


@matplotlib.rc_context(STYLE)
def calibration_curve(pit: np.ndarray, *, level: float = 0.9) -> Chart:
    """Share of values inside central intervals against their nominal level.

    Below the diagonal the intervals are too narrow. The band holds the curve of a calibrated
    model of this size at each level, so a curve inside it is no evidence of miscalibration.

    Args:
        pit: Predicted probability of a smaller value than the measured one, `n`.
        level: Pointwise probability of the band.
    """
    (pit,) = _vectors(pit=pit)
    nominal = np.linspace(0, 1, 101)
    found = coverage_curve(pit, nominal).numpy()
    low, high = stats.binom.interval(level, len(pit), nominal)
    figure, ax = _chart(5.2, 5.2)
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


@matplotlib.rc_context(STYLE)
def campaign_path(
    calls: pd.DataFrame,
    *,
    prop: Property,
    region: tuple[float, float] | None = None,
    temporary: Mapping[int, tuple[float, float]] | None = None,
    start: np.ndarray | None = None,
) -> Chart:
    """What was predicted and what came out, call by call.

    Args:
        calls: One row per proposal in the order of suggestion, with columns `round`, `median`,
            `lower`, `upper` (predicted), `value` (NaN while waiting or failed) and `hit`.
        prop: The property drawn; a log property gets a log axis.
        region: Target region in the property's unit; an end may be infinite.
        temporary: Temporary target region of each round.
        start: Values known before the campaign, drawn at the left.
    """
    need = ["round", "median", "lower", "upper", "value", "hit"]
    _check_columns(calls, need, "the path of a campaign")
    x = np.arange(1, len(calls) + 1)
    known = np.array([] if start is None else start, dtype=float)
    ends = [end for end in region or () if np.isfinite(end)]
    shown = np.concatenate([calls[["median", "value"]].to_numpy(float).ravel(), known, ends])
    figure, ax = _chart(7.6, 4.6)
    _scaled(ax, prop, "y", shown)
    low, high = np.nanmin(shown), np.nanmax(shown)
    pad = 0.06 * (high - low or 1)
    is_log = ax.get_yscale() == "log"
    ax.set_ylim(*((low / 1.15, high * 1.15) if is_log else (low - pad, high + pad)))
    _path_background(ax, calls, region, temporary or {})
    ax.plot(np.full(known.size, -1.0), known, "_", color=MEASURED, ms=9, alpha=0.6)
    _path_calls(ax, x, calls)
    ax.set_xlim(-2 if known.size else 0.2, len(calls) + 0.8)
    ticks = [1, *range(5, len(calls) + 1, 5 if len(calls) <= 60 else 20)]
    labels = [*map(str, ticks), *(["start"] if known.size else [])]
    ax.set_xticks([*ticks, -1][: len(labels)], labels)
    ax.set(xlabel="oracle call, in the order of suggestion", ylabel=prop.label)
    figure.legend(loc="outside lower center", ncols=3)
    return figure


def _path_background(
    ax: Axes,
    frame: pd.DataFrame,
    region: tuple[float, float] | None,
    temporary: Mapping[int, tuple[float, float]],
) -> None:
    if region is not None:
        low, high = np.clip(region, *ax.get_ylim())
        ax.axhspan(low, high, color=GOAL, alpha=0.18, lw=0, label="target region")
    for n, number in enumerate(sorted(set(frame["round"].tolist()))):
        rows = np.flatnonzero(frame["round"] == number)
        left, right = rows[0] + 0.5, rows[-1] + 1.5
        if n:
            ax.axvline(left, color="#d0d0d0", lw=0.8)
        ax.text(
            (left + right) / 2, 1.01, f"round {number}", color="#555555", fontsize=9,
            transform=ax.get_xaxis_transform(), ha="center", va="bottom",
        )  # fmt: skip
        if number in temporary:
            low, high = temporary[number]
            label = "temporary target" if n == 0 else None
            ax.fill_between(
                [left + 0.06, right - 0.06], low, high, label=label,
                facecolor=TEMPORARY + "22", edgecolor=TEMPORARY, lw=1.6,
            )  # fmt: skip


def _path_calls(ax: Axes, x: np.ndarray, frame: pd.DataFrame) -> None:
    label = "predicted before: median, 90% interval"
    ax.vlines(x, frame["lower"], frame["upper"], color=PREDICTED, alpha=0.4, lw=2.2, label=label)
    ax.plot(x, frame["median"], "_", color=PREDICTED, ms=7, mew=1.8)
    value, hit = frame["value"].to_numpy(float), frame["hit"].to_numpy(bool)
    done = np.isfinite(value)
    miss, hit = done & ~hit, done & hit
    if miss.any():
        ax.plot(x[miss], value[miss], "o", color=MEASURED, ms=5, mfc="white", label="computed")
    if hit.any():
        ax.plot(x[hit], value[hit], "o", color=GOAL, ms=7, mec=MEASURED, label="computed, a hit")
    if (~done).any():
        ax.plot(
            x[~done], np.full((~done).sum(), 0.03), "x", color="#D55E00", ms=7, mew=2,
            transform=ax.get_xaxis_transform(), label="failed or waiting",
        )  # fmt: skip


@matplotlib.rc_context(STYLE)
def learning_curve(
    arms: Mapping[str, np.ndarray],
    *,
    own: np.ndarray | None = None,
    batch: int | None = None,
    level: float = 0.8,
) -> Chart:
    """Cumulative hits against oracle calls, one band per way of choosing.

    Args:
        arms: Label -> cumulative hits, `n_seeds x n_calls`, the rule in use first and the baseline
            last. Lines are means; bands (first and last) and bars at the right (all) hold the
            middle `level` of the seeds.
        own: Cumulative hits of one campaign, `n_calls`, drawn in black.
        batch: Calls per round, for the ticks.
        level: Share of the seeds in the bands and bars.
    """
    if not arms and own is None:
        raise DataError("There is no curve to draw: arms is empty and own is not given.")
    figure, ax = _chart(7.4, 4.2)
    tail, end = 50 * (1 - level), 0
    for i, (label, curves) in enumerate(arms.items()):
        hits = np.pad(np.atleast_2d(np.asarray(curves, dtype=float)), ((0, 0), (1, 0)))
        end, color, shape = hits.shape[1] - 1, ARMS[i % len(ARMS)], MARKERS[i % len(MARKERS)]
        low, high = np.percentile(hits, [tail, 100 - tail], axis=0)
        if i in (0, len(arms) - 1):
            ax.fill_between(np.arange(end + 1), low, high, color=color, alpha=0.15, lw=0)
        ax.plot(hits.mean(0), color=color, lw=2)
        x = end * (1.03 + 0.022 * i)
        ax.vlines(x, low[-1], high[-1], color=color, lw=2, alpha=0.6, clip_on=False)
        label = f"{label}: {hits[:, -1].mean():.1f} (n = {len(hits)})"
        ax.plot(x, hits[:, -1].mean(), shape, color=color, ms=6, label=label, clip_on=False)
    if own is not None:
        curve = np.concatenate([[0.0], np.asarray(own, dtype=float)])
        label = f"this campaign: {curve[-1]:.0f}"
        ax.step(np.arange(len(curve)), curve, where="post", color=MEASURED, lw=2, label=label)
        end = max(end, len(curve) - 1)
    ax.set(xlim=(0, end * (1.04 + 0.022 * len(arms))), ylim=(0, None))
    ax.set_xticks(np.arange(0, end + 1, batch or max(1, end // 5)))
    ax.set(xlabel="oracle calls", ylabel="hits in the target region")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    words = f"mean over seeds; bands and bars hold {level:.0%} of them"
    ax.set_title(words, fontsize=9.5, fontweight="normal")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


@matplotlib.rc_context(STYLE)
def smc_diagnostics(stages: pd.DataFrame) -> Chart:
    """Temperature, effective sample size, acceptance and distinct molecules, round by round.

    Args:
        stages: One row per stage, with columns `round`, `stage` (from 1), `beta`, `ess_fraction`,
            `acceptance` and `unique_fraction` (shares of the particles, 0 to 1).
    """
    panels = {
        "beta": "inverse temperature β",
        "ess_fraction": "effective sample size / N",
        "acceptance": "accepted proposals",
        "unique_fraction": "distinct molecules / N",
    }
    _check_columns(stages, ["round", "stage", *panels], "the sampler's stages")
    figure = Chart(figsize=(7.6, 5.0), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True)
    for ax, (column, title) in zip(axes.flat, panels.items(), strict=True):
        for i, number in enumerate(sorted(set(stages["round"].tolist()))):
            rows = stages[stages["round"] == number]
            ax.plot(
                rows["stage"], rows[column], marker=MARKERS[i % len(MARKERS)], ms=5, lw=1.4,
                color=ARMS[i % len(ARMS)], label=f"round {number}",
            )  # fmt: skip
        ax.set_title(title, fontsize=10.5, fontweight="normal")
        ax.set_ylim(-0.03, 1.05 * max(1.0, stages[column].max()))
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[1]:
        ax.set_xlabel("stage of the sampler")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=8)
    return figure


@matplotlib.rc_context(STYLE)
def relevance(shares: Mapping[str, np.ndarray], *, title: str = "") -> Chart:
    """Share of the variance that each group of features explains, with its uncertainty.

    Args:
        shares: Group -> posterior draws of its share, `S`, between 0 and 1.
        title: Heading, such as the property's name.
    """
    if not shares:
        raise DataError("There is no group of features to draw.")
    labels: Sequence[str] = list(shares)[::-1]
    figure, ax = _chart(7.0, 1.2 + 0.42 * len(labels))
    for y, label in enumerate(labels):
        q = np.quantile(np.asarray(shares[label], dtype=float), [0.05, 0.25, 0.5, 0.75, 0.95])
        ax.hlines(y, q[0], q[4], color=PREDICTED, alpha=0.45, lw=2.2)
        ax.hlines(y, q[1], q[3], color=PREDICTED, lw=5)
        ax.plot(q[2], y, "o", color="white", mec=PREDICTED, ms=7, mew=1.8)
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlim=(0, 1), ylim=(-0.6, len(labels) - 0.4), title=title)
    ax.set_xlabel("share of the variance (median, 50% and 90% intervals)")
    return figure
